"""Shards as the rest of the node sees them, on this node and on others: propose a write, read what is committed.

Its one job: to be the seam between asynchronous request handling and replication. Invariants: whoever waits is answered
exactly once, with a result, a refusal or "outcome unknown"; a read is answered only by a replica that may answer it
(`reading`); a node that is asked by another one answers for itself or refuses, and never forwards. Must not know: URNs,
the catalog, or HTTP.

    reading              may this replica answer this read? the rule, pure
    replica, proof       a replica of this node; read barriers, shared
    keeping              how old replicas are is proven again and again while somebody relies on it
    pending              who waits for which proposal, and how many may
    wire, host           what can be asked of a node about shards, in parts
    local, remote        this node as a host of shards; another one, over the peer port
    service              the methods of the peer port
    refusal              nothing happened, or nobody knows
"""
