"""A group's state, carried from the replica that leads to one that the log cannot bring up to date any more.

Its one job: send the state of a group as of one log entry, and put it in place of another replica's, whole or not at
all. Invariant: what is installed is what was pinned, or nothing; after a crash at any moment the next start ends the
installation or never began it. Must not know: what the pairs mean (beside the place in the log), or Raft's rules.

    the leader's node                                  the other node
    pins      a view of the store, at an entry
    source    the view, in chunks with checksums
    sender    begin, chunk, chunk ... end      ->      receiver   who may send what, how many at once
                                                       staging    chunks verified and laid down beside the store
                                                       install    staged content in place of the group's, atomically
                                                       destroy    a group that leaves the node, with its log
    transfer  all of it over the wires of a node: tasks, throttle, deadlines (the only part with asyncio)

Everything but `transfer` takes and returns bytes and is given its clock, so the simulator runs it as it is.
"""
