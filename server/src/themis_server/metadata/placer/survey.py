"""What there is to plan from, looked up once: who lives, who may take replicas, which shards stand still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from themis_server.metadata.topology import Node, NodeReport, ReplicaPlace, Shard, Topology
from themis_server.metadata.transitions import may_hold_voters

_STUCK_S = 30.0


class Settings(msgspec.Struct, frozen=True):
    """How eager the placer is.

    Args:
        replace_after_s: The replicas of a node that has been away for so long are replaced.
        moves_max: Most shards that are changed at once to replace, drain or balance.
        grow_max: Most shards that are changed at once to reach their number of replicas.
        voters_max: Most voters of group 0.
        transfers_max: Most leaders that are asked to move in one plan.
        transfer_pause_s: How long a shard's lead is left alone after it was asked to move.
    """

    replace_after_s: float = 600.0
    moves_max: int = 4
    grow_max: int = 64
    voters_max: int = 5
    transfers_max: int = 8
    transfer_pause_s: float = 10.0


class Observed(NamedTuple):
    """What the coordinator has seen.

    Args:
        reports: The reports of the nodes that live, by node.
        absent_since_s: Since when, on the clock of `now_s`, nodes have had no report.
        asked: When, on the same clock, a group's leader was last asked to move, and to which node.
    """

    reports: Mapping[str, NodeReport]
    absent_since_s: Mapping[str, float] = {}
    asked: Mapping[int, tuple[float, str]] = {}


class Survey:
    """The topology and the reports, indexed. `load` counts replicas by node and follows what is drafted."""

    def __init__(self, topology: Topology, observed: Observed, now_s: float, settings: Settings) -> None:
        self.topology = topology
        self.settings = settings
        self.now_s = now_s
        self._asked = observed.asked
        self.nodes = {node.node_id: node for node in topology.nodes}
        self.reports = {
            node_id: report
            for node_id, report in observed.reports.items()
            if (node := self.nodes.get(node_id)) is not None and node.instance in ("", report.instance)
        }
        self._absent_since_s = observed.absent_since_s
        self.leaders = self._leaders()
        self.load = Counter(place.node_id for shard in topology.shards for place in shard.replicas)
        self.targets = [node for node in topology.nodes if self.takes_voters(node)]
        self.racks = {node.node_id: (node.datacenter, node.rack) for node in topology.nodes}
        self.rack_count = len({self.racks[node.node_id] for node in self.targets})
        self.voters = {shard.group: shard.voters for shard in topology.shards}

    def _leaders(self) -> dict[int, NodeReport]:
        leaders: dict[int, NodeReport] = {}
        disputed: set[int] = set()
        for report in self.reports.values():
            for group in report.led:
                if group in leaders:
                    disputed.add(group)
                leaders[group] = report
        for group in disputed:  # one of them does not know yet that it was succeeded
            del leaders[group]
        return leaders

    # Nodes

    def lives(self, node_id: str) -> bool:
        """Tell whether a node reports."""
        return node_id in self.reports

    def takes_voters(self, node: Node) -> bool:
        """Tell whether new voters may be placed on a node now."""
        report = self.reports.get(node.node_id)
        return report is not None and report.health == "healthy" and may_hold_voters(node)

    def absent_s(self, node_id: str) -> float:
        """Return for how long a node has been away, 0 while it reports."""
        if self.lives(node_id):
            return 0.0
        return self.now_s - self._absent_since_s.get(node_id, self.now_s)

    def to_be_replaced(self, node_id: str) -> bool:
        """Tell whether a node has been away for too long, or for a while and is to be left anyway, or is unknown."""
        if self.lives(node_id):
            return False
        node = self.nodes.get(node_id)
        if node is None:
            return True
        return self.absent_s(node_id) >= self.settings.replace_after_s or (
            node.state == "leaving" and self.is_stuck(node_id)
        )

    def is_stuck(self, node_id: str) -> bool:
        """Tell whether a node has been away for longer than a restart takes."""
        return self.absent_s(node_id) >= min(_STUCK_S, self.settings.replace_after_s)

    # Shards

    def asked(self, group: int) -> str | None:
        """Return to which node a group's lead was asked to move a short while ago, None if it was not asked."""
        at_s, target = self._asked.get(group, (float("-inf"), ""))
        return target if self.now_s - at_s < self.settings.transfer_pause_s else None

    def settled(self, shard: Shard) -> bool:
        """Tell whether the desired replicas are the real ones, as the shard's one leader says it."""
        return self.group_settled(shard.group, shard.since)

    def group_settled(self, group: int, since: int) -> bool:
        """Tell the same of a group whose members were last changed at epoch `since`."""
        report = self.leaders.get(group)
        return report is not None and report.epoch >= since and group not in report.unsettled

    def can_elect(self, voters: Iterable[str]) -> bool:
        """Tell whether most of the voters live, so that what a leader is asked for can happen."""
        lives = [self.lives(node_id) for node_id in voters]
        return 2 * sum(lives) > len(lives)

    def safe(self, now: Iterable[str], then: Iterable[str]) -> bool:
        """Tell whether a group can go from some voters to others without being one failure from a standstill.

        A voter that stays or goes of free will needs all others alive; one that is away may go while those that
        remain are a majority of both.
        """
        old, new = set(now), set(then)
        if not self.can_elect(old) or not self.can_elect(new):
            return False
        gives_up_a_live_one = any(self.lives(node_id) for node_id in old - new)
        return not gives_up_a_live_one or all(self.lives(node_id) for node_id in old | new)

    # Spreading

    def crowding(self, voters: Iterable[str]) -> tuple[int, int]:
        """Return how many voters share a rack with another, and how many a datacenter: less is better."""
        racks = [self.racks[node_id] for node_id in voters if node_id in self.racks]
        return len(racks) - len(set(racks)), len(racks) - len({datacenter for datacenter, _ in racks})

    def best(self, holding: Iterable[str], voters: Iterable[str]) -> str | None:
        """Return where a further voter is best placed: in a new rack, a new datacenter, on a node with little load.

        Args:
            holding: The nodes that have a replica of the shard already, and are out of the question.
            voters: Those of them that vote beside the new one.
        """
        taken = set(holding)
        others = list(voters)
        racks = Counter(self.racks[node_id] for node_id in others if node_id in self.racks)
        datacenters = Counter(rack[0] for rack in racks.elements())

        def cost(node: Node) -> tuple[int, int, int, str]:
            rack = self.racks[node.node_id]
            return racks[rack], datacenters[rack[0]], self.load[node.node_id], node.node_id

        free = [node for node in self.targets if node.node_id not in taken]
        return min(free, key=cost).node_id if free else None


def voters_of(places: Iterable[ReplicaPlace]) -> list[str]:
    """Return the nodes that vote."""
    return [place.node_id for place in places if place.role == "voter"]
