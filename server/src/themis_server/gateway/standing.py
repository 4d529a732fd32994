"""How the cluster stands at the moment, beside its topology: who leads, and how the nodes are.

Both change without anybody deciding it, so they move no epoch. What is said here is what this node has heard; another
one may know more, or less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from themis_server.metadata.duties import is_settled
from themis_server.metadata.topology import NodeReport, Shard, Topology, TopologyView

Health: TypeAlias = Literal["healthy", "degraded", "down"]


class Leader(NamedTuple):
    """Who leads a group, and in which Raft term: of two that claim it, the one of the greater term is right."""

    node_id: str
    term: int


class NodeHealth(NamedTuple):
    """How a node is, and if it is not well, why; each reason is a sentence for a person."""

    health: Health
    reasons: tuple[str, ...] = ()


class Standing:
    """Who leads which group and how the nodes are, by what this node has heard."""

    def __init__(
        self,
        me: str,
        topology: TopologyView,
        known_leader: Callable[[int], tuple[int, int] | None],
        reports: Callable[[], Mapping[str, NodeReport]],
    ) -> None:
        """Prepare.

        Args:
            me: the id of this node. It is never down: it is asked and answers.
            topology: the topology as this node knows it.
            known_leader: group -> (Raft id of its leader, term), or None while none is known.
            reports: the reports of the nodes whose leases have not ended, by node id.
        """
        self._me = me
        self._topology = topology
        self._known_leader = known_leader
        self._reports = reports

    @property
    def topology(self) -> Topology:
        """The topology of this moment."""
        return self._topology.current

    def leader(self, group: int) -> Leader | None:
        """Return who leads a group; None while nobody is known to, or if who did is no node of the cluster any more."""
        known = self._known_leader(group)
        if known is None:
            return None
        node = self._topology.current.by_raft_id(known[0])
        return None if node is None else Leader(node.node_id, known[1])

    def report(self, node_id: str) -> NodeReport | None:
        """Return what a node last reported; None if its lease has ended, or if it is another's that had its name."""
        report = self._reports().get(node_id)
        node = self._topology.current.node(node_id)
        if report is None or node is None or (node.instance and report.instance != node.instance):
            return None
        return report

    def health(self, node_id: str) -> NodeHealth:
        """Return how a node is."""
        report = self.report(node_id)
        if report is not None:
            return NodeHealth(report.health, report.reasons)
        if node_id == self._me:
            return NodeHealth("degraded", ("it is not registered: the metadata cannot be reached, or it just started",))
        node = self._topology.current.node(node_id)
        if node is not None and node.state == "joining":
            return NodeHealth("down", ("it has not started since it was admitted",))
        return NodeHealth("down", ("its registration has ended: it is stopped, stuck or cut off",))

    def shard_health(self, shard: Shard) -> Health:
        """Return how a shard is: down without a leader, degraded while a replica is on a node that is not well."""
        if self.leader(shard.group) is None:
            return "down"
        well = all(self.health(place.node_id).health == "healthy" for place in shard.replicas)
        return "healthy" if well and len(shard.voters) >= self._topology.current.replicas else "degraded"

    def settled(self, shard: Shard) -> bool:
        """Tell whether a shard's replicas are known to be where the topology wants them, by its leader's report."""
        leader = self.leader(shard.group)
        report = None if leader is None else self.report(leader.node_id)
        return report is not None and is_settled(shard, [report])
