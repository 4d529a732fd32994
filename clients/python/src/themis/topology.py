"""What the cluster looks like, as a client needs it: who owns a hash, and where that is.

`TopologyView` is one epoch's picture, immutable and ready to be asked; the router holds the newest one and replaces it
as a whole. A view is built from the answer of GET /topology and never changed. Who leads is only a claim here: leaders
move without a new epoch, and `themis.leaders` decides whose claim is the later one.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from themis._generated.models import Node, Shard, Topology
from themis.leaders import Claim
from themis.placement import TokenTable
from themis.transport.message import Endpoint

__all__ = ["NodePlace", "ShardPlaces", "TopologyView"]

_decoder = msgspec.json.Decoder(Topology)


class NodePlace(NamedTuple):
    """Where a node is, and how it is.

    `is_down`: the cluster has not heard of it. `is_degraded`: it serves, but something is wrong with it.
    """

    endpoint: Endpoint
    datacenter: str
    rack: str
    is_down: bool
    is_degraded: bool


class ShardPlaces(NamedTuple):
    """The nodes of one shard: who is said to lead it, all that have a replica, and those of them that vote."""

    claim: Claim
    replicas: tuple[NodePlace, ...]
    voters: tuple[NodePlace, ...]


class TopologyView:
    """One epoch of the topology, indexed."""

    __slots__ = ("_by_id", "_table", "epoch", "etag", "nodes", "shards", "topology")

    def __init__(self, topology: Topology, etag: str | None = None) -> None:
        self.etag = etag
        self.topology = topology
        self.epoch = topology.epoch
        self._by_id = {node.node_id: _place(node) for node in topology.nodes}
        self.nodes: tuple[NodePlace, ...] = tuple(self._by_id.values())
        self._table = TokenTable.from_wire(topology.tokens)
        self.shards = {shard.shard_id: self._places(shard) for shard in topology.shards}
        strangers = [shard_id for shard_id in self._table.shard_ids() if shard_id not in self.shards]
        if strangers:
            raise ValueError(f"the token table names shards that are not listed: {', '.join(strangers[:3])}")

    @classmethod
    def decode(cls, body: bytes, etag: str | None = None) -> TopologyView:
        """Read the body of GET /topology; raises ValueError (as msgspec's errors are) when it makes no sense."""
        return cls(_decoder.decode(body), etag)

    def shard_of(self, key_hash: int) -> str:
        """The shard that owns a hash."""
        return self._table.shard_for_hash(key_hash)

    def endpoint_of(self, node_id: str) -> Endpoint | None:
        """Where a node is reached; None for a stranger."""
        place = self._by_id.get(node_id)
        return None if place is None else place.endpoint

    def _places(self, shard: Shard) -> ShardPlaces:
        known = [
            (self._by_id[replica.node_id], replica.role) for replica in shard.replicas if replica.node_id in self._by_id
        ]
        replicas = tuple(place for place, _ in known)
        leader = None if shard.leader is None else self.endpoint_of(shard.leader)
        claim = Claim(shard.shard_id, leader, shard.leader_term or 0, tuple(place.endpoint for place in replicas))
        return ShardPlaces(claim, replicas, tuple(place for place, role in known if role != "learner"))


def _place(node: Node) -> NodePlace:
    is_down = "down" in (node.health, node.state)
    return NodePlace(Endpoint.parse(node.endpoint), node.datacenter, node.rack, is_down, node.health == "degraded")
