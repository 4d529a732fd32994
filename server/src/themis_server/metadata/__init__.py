"""What the cluster knows of itself: topology and catalog, kept in a small transactional store.

Its one job: answer "who holds which hashes" and "which collections are there" from memory, and change both atomically.
Invariant: the epoch grows by one with every change of the topology; a collection's id is never used twice. Must not
know: entities.
"""
