"""The replicas of this node, by shard and by Raft group. They come and go with the topology."""

from __future__ import annotations

from collections.abc import Iterable

from themis_server.shard.replica import Replica


class Replicas:
    """The replicas that this node has now. Belongs to the event loop."""

    def __init__(self, replicas: Iterable[Replica] = ()) -> None:
        self.by_shard: dict[str, Replica] = {}
        """Those of shards: what is not among them is on other nodes."""
        self.by_group: dict[int, Replica] = {}
        """Those of shards, and that of the metadata (group 0) if there is one."""
        for replica in replicas:
            self.add(replica)

    def add(self, replica: Replica) -> None:
        """Serve a replica from now on."""
        self.by_group[replica.group] = replica
        if replica.group:
            self.by_shard[replica.shard_id] = replica

    def remove(self, group: int) -> None:
        """Serve the replica of a group no more; no error if there is none."""
        replica = self.by_group.pop(group, None)
        if replica is not None:
            self.by_shard.pop(replica.shard_id, None)
