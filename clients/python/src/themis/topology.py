"""What the cluster looks like, as a client needs it: who owns a hash, and where that is.

`TopologyView` is one epoch's picture, immutable and ready to be asked; the router holds the newest one and replaces it
as a whole. A view is built from the answer of GET /topology and never changed.
"""

from __future__ import annotations

import msgspec

from themis._generated.models import Topology
from themis.placement import TokenTable
from themis.transport.message import Endpoint

__all__ = ["TopologyView"]

_decoder = msgspec.json.Decoder(Topology)


class _ShardPlaces(msgspec.Struct, frozen=True):
    leader: Endpoint | None
    replicas: tuple[Endpoint, ...]


class TopologyView:
    """One epoch of the topology, indexed."""

    __slots__ = ("_places", "_table", "epoch", "etag", "nodes", "topology")

    def __init__(self, topology: Topology, etag: str | None = None) -> None:
        self.etag = etag
        self.topology = topology
        self.epoch = topology.epoch
        by_id = {node.node_id: Endpoint.parse(node.endpoint) for node in topology.nodes}
        self.nodes: tuple[Endpoint, ...] = tuple(by_id.values())
        self._table = TokenTable.from_wire(topology.tokens)
        self._places = {
            shard.shard_id: _ShardPlaces(
                leader=by_id.get(shard.leader) if shard.leader is not None else None,
                replicas=tuple(by_id[replica.node_id] for replica in shard.replicas if replica.node_id in by_id),
            )
            for shard in topology.shards
        }
        strangers = [shard_id for shard_id in self._table.shard_ids() if shard_id not in self._places]
        if strangers:
            raise ValueError(f"the token table names shards that are not listed: {', '.join(strangers[:3])}")

    @classmethod
    def decode(cls, body: bytes, etag: str | None = None) -> TopologyView:
        """Read the body of GET /topology; raises ValueError (as msgspec's errors are) when it makes no sense."""
        return cls(_decoder.decode(body), etag)

    def shard_of(self, key_hash: int) -> str:
        """The shard that owns a hash."""
        return self._table.shard_for_hash(key_hash)

    def leader_of(self, key_hash: int) -> Endpoint | None:
        """The node that leads the owner of a hash; None while there is no leader."""
        return self._places[self._table.shard_for_hash(key_hash)].leader

    def replicas_of(self, key_hash: int) -> tuple[Endpoint, ...]:
        """The nodes with a replica of the owner of a hash, the leader among them."""
        return self._places[self._table.shard_for_hash(key_hash)].replicas
