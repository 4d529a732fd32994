"""A cluster as the placer sees it, simulated: nodes that come and go, leaders, and changes that take their time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from themis_server.metadata import topology as topologies
from themis_server.metadata import transitions
from themis_server.metadata.duties import witnessed_epoch
from themis_server.metadata.placer import Observed, Plan, Settings, plan
from themis_server.metadata.placer.survey import voters_of
from themis_server.metadata.topology import Node, NodeReport, ReplicaPlace, Topology
from themis_server.statemachine.meta import GROUP


def node(number: int, rack: str = "", datacenter: str = "dc1", kind: topologies.NodeKind = "data") -> Node:
    """Return a node; without a rack each has its own."""
    name = f"n{number:03}"
    return Node(name, number, f"http://{name}", datacenter, rack or f"rack-{name}", "up", "1", name, name, kind)


class World:
    """Nodes, what is desired of them, and what is real.

    A change of a group becomes real `settle_s` seconds after it was asked, if the nodes that it needs are there; a
    leader that is lost is succeeded at the next second. `second` lets one pass: the placer plans, the rest follows.
    """

    def __init__(self, nodes: Iterable[Node], shards: int = 8, *, settings: Settings | None = None, **of: int) -> None:
        first, *others = nodes
        self.settings = settings or Settings()
        self.settle_s = of.get("settle_s", 2)
        self.topology = topologies.initial(first, shards, 1, replicas=of.get("replicas", 3))
        self.now_s = 0
        self.alive = {first.node_id}
        self.unhealthy: set[str] = set()
        self.lagging: set[int] = set()
        self.stuck: set[int] = set()
        self.real = {shard.group: shard.replicas for shard in self.topology.shards}
        self.real[GROUP] = self.topology.metadata
        self.leaders = dict.fromkeys(self.real, first.node_id)
        self.asked: dict[int, tuple[float, str]] = {}
        self.absent: dict[str, float] = {}
        self.moves = 0
        self.transferred = 0
        self.plan: Plan | None = None
        self._pending: dict[int, tuple[int, int]] = {}
        for other in others:
            self.join(other)

    # Events

    def join(self, new: Node) -> None:
        """Let a node join and start."""
        self.topology = transitions.enter(transitions.admit(self.topology, new), new)
        self.alive.add(new.node_id)

    def change(self, changed: Topology) -> None:
        """Put a topology in the place of the current one."""
        self.topology = changed

    def stop(self, *node_ids: str) -> None:
        """Let nodes go away."""
        self.alive -= set(node_ids)

    def start(self, *node_ids: str) -> None:
        """Let nodes come back."""
        self.alive |= set(node_ids)

    # What the placer is shown

    def desired(self) -> dict[int, tuple[tuple[ReplicaPlace, ...], int]]:
        """Return the desired places of every group, and since which epoch."""
        wanted = {shard.group: (shard.replicas, shard.since) for shard in self.topology.shards}
        wanted[GROUP] = (self.topology.metadata, self.topology.metadata_since)
        return wanted

    def reports(self) -> dict[str, NodeReport]:
        """Return what the nodes that live report."""
        led: dict[str, list[int]] = {node_id: [] for node_id in self.alive}
        for group, leader in self.leaders.items():
            if leader in led:
                led[leader].append(group)
        wanted = self.desired()
        return {
            one.node_id: NodeReport(
                one.node_id,
                one.instance,
                "degraded" if one.node_id in self.unhealthy else "healthy",
                led=tuple(led[one.node_id]),
                unsettled=tuple(g for g in led[one.node_id] if set(self.real[g]) != set(wanted[g][0])),
                lagging=tuple(g for g in led[one.node_id] if g in self.lagging),
                epoch=witnessed_epoch(self.topology, led[one.node_id]),
            )
            for one in self.topology.nodes
            if one.node_id in self.alive
        }

    def planned(self) -> Plan:
        """Ask the placer, and change nothing."""
        for one in self.topology.nodes:
            if one.node_id in self.alive:
                self.absent.pop(one.node_id, None)
            else:
                self.absent.setdefault(one.node_id, self.now_s)
        return plan(self.topology, Observed(self.reports(), self.absent, self.asked), self.now_s, self.settings)

    # Time

    def second(self) -> Plan:
        """Let a second pass; return what was planned in it."""
        self._elect()
        made = self.plan = self.planned()
        if made.topology is not None:
            self._check(made.topology)
            self.moves += sum(
                len(new.node_ids - old.node_ids)
                for old, new in zip(self.topology.shards, made.topology.shards, strict=True)
            )
            self.topology = made.topology
        for transfer in made.transfers:
            assert transfer.target in voters_of(self.real[transfer.group])
            assert transfer.target in self.alive
            self.asked[transfer.group] = (self.now_s, transfer.target)
            self.leaders[transfer.group] = transfer.target
            self.transferred += 1
        self._settle()
        self.now_s += 1
        return made

    def run(self, seconds: int) -> None:
        """Let seconds pass."""
        for _ in range(seconds):
            self.second()

    def settle(self, seconds_max: int = 10_000) -> int:
        """Let time pass until nothing is planned or under way; return how many seconds that took."""
        quiet = 0
        for second in range(seconds_max):
            made = self.second()
            quiet = quiet + 1 if made.topology is None and not made.transfers and not self._pending else 0
            if quiet > self.settings.transfer_pause_s + 1:
                return second - quiet
        raise AssertionError(f"the cluster does not come to rest: {self.plan}")

    def _elect(self) -> None:
        for group, leader in list(self.leaders.items()):
            voters = voters_of(self.real[group])
            able = [node_id for node_id in voters if node_id in self.alive]
            if 2 * len(able) <= len(voters):
                self.leaders[group] = ""
            elif leader not in able:
                self.leaders[group] = able[group % len(able)]

    def _settle(self) -> None:
        for group, (places, since) in self.desired().items():
            if set(self.real[group]) == set(places):
                self._pending.pop(group, None)
                continue
            began, of = self._pending.get(group, (self.now_s, since))
            if of != since:
                began, of = self.now_s, since
            self._pending[group] = (began, of)
            new = {place.node_id for place in places} - {place.node_id for place in self.real[group]}
            ready = self.leaders[group] and new <= self.alive and group not in self.stuck
            if ready and self.now_s - began >= self.settle_s:
                self.real[group] = places
                del self._pending[group]

    def _check(self, following: Topology) -> None:
        """Assert that no group that could work is asked to become one that could not, and no place is taken twice."""
        names = {one.node_id for one in following.nodes}
        for shard in following.shards:
            assert shard.node_ids <= names
            assert len(shard.node_ids) == len(shard.replicas)
            assert shard.voters
            before = [node_id in self.alive for node_id in voters_of(self.real[shard.group])]
            after = [node_id in self.alive for node_id in shard.voters]
            if 2 * sum(before) > len(before):
                assert 2 * sum(after) > len(after), shard

    # Figures

    def replicas_by_node(self) -> Counter[str]:
        """Count voters by node that lives, data nodes only."""
        counted = Counter({n.node_id: 0 for n in self.topology.nodes if n.node_id in self.alive and n.kind == "data"})
        counted.update(node_id for shard in self.topology.shards for node_id in shard.voters)
        return counted

    def leaders_by_node(self) -> Counter[str]:
        """Count led shards by node that lives, data nodes only."""
        counted = Counter({n.node_id: 0 for n in self.topology.nodes if n.node_id in self.alive and n.kind == "data"})
        counted.update(leader for group, leader in self.leaders.items() if group != GROUP)
        return counted

    def voters(self, group: int) -> set[str]:
        """Return who shall vote in a group."""
        return set(voters_of(self.desired()[group][0]))
