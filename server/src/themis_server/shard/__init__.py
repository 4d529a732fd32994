"""One shard as the rest of the node sees it: propose a write and await its end, read what is committed.

Its one job: to be the seam between asynchronous request handling and replication. Invariant: whoever waits is
answered exactly once, with a result, a refusal or "outcome unknown". Must not know: URNs, the catalog, or HTTP.
"""
