"""From a URN to the shard that owns it, and back with an answer.

Its one job: find the collection, the shard and the replica for each key; split what spans shards, and put the parts
together in the order asked. Invariant: every item asked for is answered, with a result or an error of its own. Must
not know: HTTP.
"""
