"""From a URN to the shard that owns it, wherever that is, and back with an answer.

Its one job: find the collection, the shard and a replica that may answer; split what spans shards, and put the parts
together in the order asked. Invariants: every item asked for is answered, with a result or an error of its own; what
may have happened is never sent twice unless it may happen twice. Must not know: HTTP.

    router, freshness            URN -> collection and shard; the catalog of a node may lag
    routing, news                shard -> its leader, the nearest replica; word that they moved
    reach, hedge                 parts of requests, brought to nodes until they have an answer
    shards, served               every shard of the cluster as if it were here; who answered
    entities, batch, listing     what clients ask for
    writing, session             preconditions and idempotency; what a caller has seen
    catalog, metadata_group      changes of the catalog; the embedded metadata from any node
    cluster, status, standing    what operators ask for (with node_calls, shard_state, join_tokens)
"""
