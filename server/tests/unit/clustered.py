"""A cluster of three nodes and a read replica without processes: what each says of itself is data, calls are functions.

The node under test is node-1. Its calls reach the real `StatusService` of the others, unless a test breaks them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from themis_server import ids
from themis_server.clock import ManualClock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.cluster import ClusterOperations, MetadataState
from themis_server.gateway.node_calls import NodeCalls
from themis_server.gateway.standing import Standing
from themis_server.gateway.status import StatusService
from themis_server.metadata.store import Delete, Listing, Put, Value
from themis_server.metadata.topology import Node, NodeReport, ReplicaPlace, Shard, Topology, TopologyView
from themis_server.peer.errors import PeerRefused
from themis_server.peer.identity import Identity, PeerAddress
from themis_server.replication.views import GroupStatus, GroupView

NAMES = ("node-1", "node-2", "node-3")
READER = "reader-1"
RAFT = {name: ids.raft_id(name) for name in (*NAMES, READER, "node-4")}


def node(name: str, number: int, *, kind: Literal["data", "read_replica"] = "data") -> Node:
    """Return an entry of the topology."""
    return Node(
        name, RAFT[name], f"http://127.0.0.1:{8080 + number}", "dc1", f"rack{number}", "up", "0.2.0",
        peer=f"127.0.0.1:{9080 + number}", instance=f"{number:032x}", kind=kind,
    )  # fmt: skip


def topology_of_three() -> Topology:
    """Return three nodes with a read replica, and two shards on all of them."""
    places = (*(ReplicaPlace(name, "voter") for name in NAMES), ReplicaPlace(READER, "learner"))
    return Topology(
        epoch=42,
        nodes=(*(node(name, number) for number, name in enumerate(NAMES, 1)), node(READER, 9, kind="read_replica")),
        shards=(Shard("shard_001", 1, places, since=40), Shard("shard_002", 2, places, since=40)),
        tokens=(("4000000000000000", "shard_001"), ("c000000000000000", "shard_002")),
        replicas=3,
        metadata=places[:3],
    )


class FakeStore:
    """A metadata store that is a dictionary; watches and leases are left out."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.revision = 0

    async def get(self, key: str, *, stale: bool = False) -> Value | None:
        """Return the value at `key`."""
        return self.values.get(key)

    async def list(self, prefix: str, *, stale: bool = False) -> Listing:
        """Return everything under `prefix`."""
        return Listing({key: value for key, value in self.values.items() if key.startswith(prefix)}, self.revision)

    async def transaction(self, compares: dict[str, int], ops: Sequence[Put | Delete]) -> int | None:
        """Make the changes if every key is at its revision."""
        for key, revision in compares.items():
            known = self.values.get(key)
            if (0 if known is None else known.revision) != revision:
                return None
        self.revision += 1
        for op in ops:
            if isinstance(op, Put):
                self.values[op.key] = Value(op.data, self.revision)
            else:
                self.values.pop(op.key, None)
        return self.revision


class OneNode:
    """What a node of the cluster has: its groups, and what is seen of them."""

    def __init__(self, cluster: Clustered, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.raft_id = RAFT[name]
        self.groups: dict[int, GroupStatus] = {}
        self.views: dict[int, GroupView] = {}
        self.transfer_fails: Exception | None = None
        self.service = StatusService(
            name,
            self.raft_id,
            epoch=lambda: cluster.view.epoch,
            groups=self._groups,
            view=self.views.get,
            transfer=self._transfer,
            disk_free_bytes=lambda: 1 << 30,
            clock=cluster.clock,
        )

    async def _groups(self) -> list[GroupStatus]:
        return list(self.groups.values())

    async def _transfer(self, group: int, to: int) -> None:
        if self.transfer_fails is not None:
            raise self.transfer_fails
        name = next(name for name, raft_id in RAFT.items() if raft_id == to)
        self.cluster.lead(group, name)


class Clustered:
    """The cluster. `operations` are those of node-1."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.view = TopologyView(topology_of_three())
        self.leaders: dict[int, tuple[int, int]] = {}
        self.broken: dict[str, Exception] = {}
        """Which nodes cannot be called, and what is raised then."""
        self.called: list[tuple[str, str]] = []
        self.refuse_changes: ThemisServerError | None = None
        self.metadata = MetadataState("embedded")
        self.machines = {name: OneNode(self, name) for name in (*NAMES, READER)}
        self.reports = {
            entry.node_id: NodeReport(entry.node_id, entry.instance, epoch=42, disk_free_bytes=1 << 20)
            for entry in self.view.current.nodes
        }
        for group, name in ((0, "node-1"), (1, "node-1"), (2, "node-2")):
            self.lead(group, name)
        self.standing = Standing("node-1", self.view, self.leaders.get, lambda: self.reports)
        self.calls = NodeCalls(self, self.clock)
        self.operations = ClusterOperations(
            "node-1",
            self.standing,
            self.machines["node-1"].service,
            self.calls,
            self,
            coordinator=lambda: "node-1",
            metadata=lambda: self.metadata,
        )

    def lead(self, group: int, name: str) -> None:
        """Let a node lead a group, in a new term, and everybody know it."""
        term = self.leaders.get(group, (0, 4))[1] + 1
        self.leaders[group] = (RAFT[name], term)
        holders = NAMES if group == 0 else (*NAMES, READER)
        voters, learners = tuple(RAFT[each] for each in NAMES), () if group == 0 else (RAFT[READER],)
        for each in holders:
            leads = each == name
            self.machines[each].groups[group] = GroupStatus(
                group=group,
                role="leader" if leads else "follower",
                leader=RAFT[name],
                term=term,
                commit=100,
                applied=100 if leads else 98,
                log_entries=10,
                log_bytes=1000,
                voters=voters,
                learners=learners,
                match={RAFT[other]: 100 if other == name else 97 for other in holders} if leads else {},
            )
            view = self.machines[each].views.setdefault(group, GroupView(group))
            view.leader, view.term, view.is_leader = RAFT[name], term, leads
        led: dict[str, list[int]] = {each: [] for each in self.reports}
        for known, (raft_id, _) in self.leaders.items():
            led.setdefault(next(n for n, r in RAFT.items() if r == raft_id), []).append(known)
        self.reports = {
            each: msgspec.structs.replace(report, led=tuple(led[each])) for each, report in self.reports.items()
        }

    async def call(
        self,
        to: PeerAddress,
        method: str,
        payload: bytes,
        *,
        timeout_s: float,
        lane: Literal["calls", "bulk"] = "calls",
    ) -> bytes:
        """Be the peers: carry a call to a node, or fail as the test wants it."""
        self.called.append((to.node_id, method))
        if to.node_id in self.broken:
            raise self.broken[to.node_id]

        async def metrics() -> bytes:
            return f'{{"node_id":"{to.node_id}"}}'.encode()

        caller = Identity("themis", "node-1", RAFT["node-1"], f"{1:032x}", 42, "0.2.0")
        try:
            return await self.machines[to.node_id].service.handlers(metrics)[method](caller, payload)
        except ThemisServerError as error:
            raise PeerRefused(str(error.code), error.detail, error.fields) from error

    async def change(self, transition: Callable[[Topology], Topology]) -> Topology:
        """Be the keeper of the topology."""
        if self.refuse_changes is not None:
            raise self.refuse_changes
        self.view.update(transition(self.view.current))
        return self.view.current


def metadata_unavailable() -> ThemisServerError:
    """Return what is raised while the metadata cannot be changed."""
    return ThemisServerError(ErrorCode.METADATA_UNAVAILABLE, "the store does not answer", retry_after_s=5)
