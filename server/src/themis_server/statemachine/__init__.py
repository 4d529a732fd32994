"""What a committed entry does to the state: deterministic commands over ordered keys.

Its one job: turn (state, entry) into (state', outcomes). Invariant: the same entries give the same state on every
replica, byte for byte, so nothing here reads a clock, a random source, a file, a socket or the configuration of a
node; what varies is carried in the entry. Must not know: who waits for the outcome, how the entry got here, or that
there are other replicas.
"""
