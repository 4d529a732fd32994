"""From a shard to the nodes that can serve it: its leader for writes and strong reads, or the nearest replica."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Final, NamedTuple

from themis_server.metadata.topology import Node, Topology, TopologyView
from themis_server.peer.identity import PeerAddress
from themis_server.shard.host import ShardHost
from themis_server.shard.local import LocalHost
from themis_server.shard.remote import Calls, RemoteHost
from themis_server.shard.replicas import Replicas

METADATA: Final = "metadata"
"""What stands in for the id of a shard where the metadata is meant."""


class Place(NamedTuple):
    """A shard and the nodes that have a replica of it, or shall have one."""

    shard_id: str
    group: int
    nodes: tuple[str, ...]


class Routing:
    """Where shards are and who leads them, by what this node knows at this moment."""

    def __init__(
        self,
        me: str,
        topology: TopologyView,
        replicas: Replicas,
        host: LocalHost,
        calls: Calls | None,
        *,
        leader_of: Callable[[int], int | None],
        is_down: Callable[[str], bool],
        is_silent: Callable[[int], bool],
        is_blind: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare.

        Args:
            me: the id of this node.
            topology: as this node knows it.
            replicas: the replicas of this node.
            host: what carries out requests here.
            calls: what carries requests to other nodes; None on a node without a peer port.
            leader_of: group -> the Raft id of its leader, by this node's replica or what other nodes announced.
            is_down: node id -> whether it is known to be down: it is asked last, and only where nobody else is left.
            is_silent: Raft id -> whether nothing was heard of a node for as long as followers wait for a leader.
            is_blind: whether this node's own replicas know of no leader because its disk is full.
        """
        self.me = me
        self.topology = topology
        self.replicas = replicas
        self._host = host
        self._calls = calls
        self._leader_of = leader_of
        self._is_down = is_down
        self._is_silent = is_silent
        self._is_blind = is_blind
        self._hints: dict[int, int] = {}
        self._turns = itertools.count()
        self._turn = 0
        self._hosts: dict[str, RemoteHost] = {}
        self._learn(topology.current)

    def _learn(self, topology: Topology) -> None:
        self._known = topology
        self._nodes = {node.node_id: node for node in topology.nodes}
        self._by_raft_id = {node.raft_id: node.node_id for node in topology.nodes}
        self._places = {
            shard.shard_id: Place(
                shard.shard_id,
                shard.group,
                # Until a change of the replicas is made real, the old ones serve too.
                tuple(dict.fromkeys([place.node_id for place in (*shard.replicas, *shard.before)])),
            )
            for shard in topology.shards
        }
        self._metadata = Place(METADATA, 0, tuple(place.node_id for place in topology.metadata))
        self._distances = {node.node_id: self._distance(node) for node in topology.nodes}

    def _current(self) -> None:
        if self.topology.current is not self._known:
            self._learn(self.topology.current)

    def _distance(self, node: Node) -> int:
        if node.node_id == self.me:
            return 0
        here = self._nodes.get(self.me)
        if here is None or node.datacenter != here.datacenter:
            return 3
        return 1 if node.rack == here.rack else 2

    def place(self, shard_id: str) -> Place:
        """Return where a shard of the topology is."""
        self._current()
        return self._places[shard_id]

    def places(self) -> list[Place]:
        """Return where every shard is, in the order of their ids."""
        self._current()
        return [self._places[shard_id] for shard_id in sorted(self._places)]

    def metadata(self) -> Place:
        """Return where the embedded metadata is."""
        self._current()
        return self._metadata

    def host(self, node_id: str) -> ShardHost | None:
        """Return how to ask a node; None if that is not known."""
        if node_id == self.me:
            return self._host
        self._current()
        node = self._nodes.get(node_id)
        if node is None or not node.peer or self._calls is None:
            return None
        known = self._hosts.get(node_id)
        if known is None or known.address.where != node.peer:
            try:
                address = PeerAddress.of(node_id, node.peer)
            except ValueError:
                return None
            known = self._hosts[node_id] = RemoteHost(address, self._calls)
        return known

    # Leaders

    def leader(self, place: Place, avoid: str | None = None) -> str | None:
        """Return the node that leads a group, as far as this node knows; never `avoid`, which has just denied it."""
        replica = self.replicas.by_group.get(place.group)
        if replica is not None and replica.view.is_leader and avoid != self.me:
            return self.me
        self._current()
        for raft_id in (self._leader_of(place.group), self._hints.get(place.group)):
            node_id = self._by_raft_id.get(raft_id) if raft_id else None
            if node_id is not None and node_id not in (avoid, self.me):
                return node_id
        return None

    def known_leader(self, place: Place) -> str | None:
        """Return the node that leads a group by what its replicas and its leader say, and by no refusal's hint."""
        self._current()
        raft_id = self._leader_of(place.group)
        return self._by_raft_id.get(raft_id) if raft_id else None

    def is_silent(self, node_id: str) -> bool:
        """Whether nothing was heard of a node for as long as followers wait for a leader."""
        self._current()
        node = self._nodes.get(node_id)
        return node is None or self._is_silent(node.raft_id)

    def hint(self, group: int, raft_id: int) -> None:
        """Take it from a replica that somebody else leads (0: that nobody does)."""
        if raft_id:
            self._hints[group] = raft_id
        else:
            self._hints.pop(group, None)

    def anybody(self, place: Place, avoid: str | None) -> str | None:
        """Return a replica that may know who leads; each call another one. None if this node would know by itself."""
        if place.group in self.replicas.by_group and not self._is_blind():
            return None
        able = [node for node in place.nodes if node not in (avoid, self.me) and not self._is_down(node)]
        able = able or [node for node in place.nodes if node not in (avoid, self.me)]
        return able[next(self._turns) % len(able)] if able else None

    def endpoint(self, node_id: str | None) -> str | None:
        """Return where clients reach a node."""
        node = self._nodes.get(node_id) if node_id is not None else None
        return None if node is None else node.endpoint

    # Replicas

    def nearest(self, place: Place, *, anew: bool = True) -> list[str]:
        """Return the nodes with a replica: this one first, then same rack, same datacenter, others; the down ones last.

        Among equals each call begins with another one, unless it is not `anew`: a second choice for the same request.
        """
        self._current()
        if anew:
            self._turn = next(self._turns)
        turn = self._turn
        nodes = place.nodes
        count = len(nodes)
        turned = [nodes[(turn + at) % count] for at in range(count)]
        if place.group not in self.replicas.by_group and self.me in turned:
            turned.remove(self.me)
        distances = self._distances
        return sorted(turned, key=lambda node: (self._is_down(node), distances.get(node, 9)))
