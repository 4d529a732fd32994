"""Agreement: what is committed, in which order, and that it stays so.

Its one job: take payloads, put them through the Raft groups of this node, make them durable, and hand committed
entries to the machines. Invariant: nothing is acknowledged before its log entry is synced on a majority; nothing is
applied before it is committed. Must not know: what a payload means, or futures, or HTTP. Only this package imports
themis_raft.

    driver.py   one turn over all groups: propose, log, sync, send, commit, apply   (no threads, no clock: can be
    simulated) thread.py   the thread that turns it, wakes it, and ticks it group.py    one group: the Raft core, its
    machine, and who waits for which entry log.py      the raft/ database: entries, hard states, where each log begins
"""
