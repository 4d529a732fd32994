"""Agreement: what is committed, in which order, and that it stays so.

Its one job: take payloads, put them through the Raft groups of this node, make them durable, agree on them with other
nodes, and hand committed entries to the machines. Invariant: nothing is acknowledged before its log entry is synced on
a majority; nothing is applied before it is committed. Must not know: what a payload means, or futures, or HTTP. Only
this package imports themis_raft.

    thread      the thread that turns the driver: wakes it, ticks it, carries its streams
      driver    one turn over all groups: propose, log, sync, send, commit, apply (no threads, no clock: simulated too)
        intake        what other nodes say, taken to the groups it is for
        quiescence    idle groups sleep, and when they wake
        peers         who is heard, who leads what, the beat by which nodes hear each other
        steward       members as they shall be, leadership handed over, replicas that were forgotten
        chores        what takes more than a turn: snapshots in, replicas out
        compaction    forgetting the log; retention: how much of it is kept
        disk          the two databases, and patience with a full one
        group         one group: the Raft core, its machine, who waits for what
          proposals   who waits for which entry      barriers    who waits for which proof
          elections   how long a voter waits         views       what the rest of the node sees
    log         the raft/ database: entries, hard states, where each log begins
    membership  whom a group consists of, and the next step to whom it shall
    envelope    what one node says to another in one go
    ports       what the driver needs of the world; work: what arrives; outcome: what becomes of it
    snapshot/   a group's state, sent and installed
"""
