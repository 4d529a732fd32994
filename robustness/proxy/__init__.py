"""A TCP proxy in front of a node's peer port: what the network between two machines does to a connection.

    rules.py     what may be done to a connection: delay, loss, bandwidth, a stall, a refusal
    server.py    the process that forwards
    control.py   how the faults start it and tell it what to do

Invariant: it behaves as TCP does. Bytes arrive in order, all of them or none after a reset; a packet that is lost makes
those behind it wait, as its repetition would. It is a process of its own, so that it takes no time from the clients.
"""
