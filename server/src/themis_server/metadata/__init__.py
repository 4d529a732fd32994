"""What the cluster knows of itself: topology and catalog, kept in a small transactional store.

Its one job: answer "who holds which hashes" and "which collections are there" from memory, change both atomically, and
look after the nodes: who is there, who joins, which replica belongs where. Invariant: the epoch grows by one with every
change of the topology, and a node never acts on less than it has seen; a collection's id is never used twice. Must not
know: entities.

    store (the protocol): embedded, etcd/ | lastknown: a copy on the node's own disk
    topology -> transitions (pure) -> keeper (compare-and-swap, following) behind fencing
    releases (pure): which of them work together, and how far all nodes have come
    nodes (leased reports) -> coordinator -> placer/ (pure) | duties (what one node has to do) | joining
    catalog
"""
