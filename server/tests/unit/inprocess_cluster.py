"""Several nodes without processes, and the network between them, which a test cuts, delays and lets lose answers.

Time runs fast: a Raft tick is two milliseconds of the loop's time, so an election takes some tens of them. All nodes
turn on one loop, so however slow the machine is, none of them is slower than the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from server.tests.unit.inprocess import SHARDS, VIRTUAL_NODES, InProcess, uuid
from themis_server.clock import SystemClock
from themis_server.errors import ThemisServerError
from themis_server.gateway.hedge import Hedge
from themis_server.metadata import topology as topologies
from themis_server.peer.errors import PeerLost, PeerRefused, PeerUnreachable
from themis_server.peer.identity import Identity, PeerAddress
from themis_server.replication.driver import DriverLimits
from themis_server.replication.group import RaftTiming

TICK_S: Final = 0.002


class Wire:
    """Calls from one node to the others. What happens to them on the way is the test's to say."""

    def __init__(self, cluster: InProcessCluster, me: str) -> None:
        self._cluster = cluster
        self._me = me
        self.calls: list[tuple[str, str]] = []
        """(node, method) of each call that was made."""

    async def call(self, to: PeerAddress, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        cluster, me = self._cluster, self._me
        self.calls.append((to.node_id, method))
        if not cluster.connected(me, to.node_id):
            raise PeerUnreachable(f"no way from {me} to {to.node_id}")
        try:
            async with asyncio.timeout(timeout_s):
                while cluster.silent(to.node_id, method):
                    await asyncio.sleep(TICK_S)
                node = cluster.nodes[to.node_id]
                peer = Identity("themis", me, cluster.nodes[me].me.raft_id, "0" * 32, 1, "test")
                try:
                    answer = await node.handlers[method](peer, payload)
                except ThemisServerError as error:
                    raise PeerRefused(error.code, error.detail, error.fields) from error
                if cluster.loses_answers(to.node_id, method) or not cluster.connected(me, to.node_id):
                    raise PeerLost("the connection broke before the answer")
                return answer
        except TimeoutError:
            raise PeerLost(f"{to.node_id} did not answer within {timeout_s:g} s") from None


class _Post:
    """Raft's envelopes from one node."""

    def __init__(self, cluster: InProcessCluster, me: str) -> None:
        self._cluster = cluster
        self._me = me

    def send(self, to: int, envelope: bytes) -> None:
        self._cluster.deliver(self._me, to, envelope)


class InProcessCluster:
    """Three nodes, each with a replica of everything. Use it as an asynchronous context manager."""

    def __init__(
        self,
        *,
        hosted: Callable[[str, int], bool] = lambda node_id, group: True,
        lease_reads: bool = False,
        racks: tuple[str, ...] = ("rack1", "rack2", "rack3"),
        leader_wait_s: float = 3.0,
        hedge: Callable[[], Hedge] = lambda: Hedge(enabled=False),
        **of_nodes: Any,
    ) -> None:
        """Prepare.

        Args:
            hosted: which nodes take part in serving which groups; Raft runs on all of them all the same.
            lease_reads: whether leaders answer strong reads by lease.
            racks: of the nodes, in order.
            leader_wait_s: how long nodes look for a leader.
            hedge: makes the hedge of a node.
            of_nodes: see `InProcess`.
        """
        names = [f"node-{number}" for number in range(1, len(racks) + 1)]
        members = tuple(
            topologies.Node(name, number, f"http://{name}", "dc1", rack, "up", "0.1.0", peer=f"127.0.0.{number}:1")
            for number, (name, rack) in enumerate(zip(names, racks, strict=True), 1)
        )
        alone = topologies.initial(members[0], SHARDS, VIRTUAL_NODES)

        def places(group: int) -> tuple[topologies.ReplicaPlace, ...]:
            return tuple(topologies.ReplicaPlace(name, "voter") for name in names if hosted(name, group))

        self.topology = topologies.Topology(
            5,
            members,
            tuple(topologies.Shard(shard.shard_id, shard.group, places(shard.group)) for shard in alone.shards),
            alone.tokens,
            replicas=len(names),
            metadata=places(0),
        )
        self.wires = {name: Wire(self, name) for name in names}
        self.nodes = {
            member.node_id: InProcess(
                me=member,
                voters=tuple(range(1, len(names) + 1)),
                clock=SystemClock(),
                timing=RaftTiming(tick_s=TICK_S),
                limits=DriverLimits(lease_reads=lease_reads),
                calls=self.wires[member.node_id],
                transport=_Post(self, member.node_id),
                topology=self.topology,
                timeout_s=10.0,
                leader_wait_s=leader_wait_s,
                hedge=hedge(),
                **of_nodes,
            )
            for member in members
        }
        self._hosted = hosted
        self.cut: set[str] = set()
        """Nodes that nobody hears and that hear nobody."""
        self.silent: Callable[[str, str], bool] = lambda node_id, method: False
        """Whether calls of a method of a node get no answer for now, and are not carried out."""
        self.loses_answers: Callable[[str, str], bool] = lambda node_id, method: False
        """Whether calls of a method of a node are carried out, and their answers lost."""

    async def __aenter__(self) -> Self:
        for node in self.nodes.values():
            node.begin()
            for group in [group for group in node.replicas.by_group if not self._hosted(node.me.node_id, group)]:
                node.replicas.remove(group)
        self._clockwork = asyncio.create_task(self._tick())
        await self.settled()
        await asyncio.gather(*[node.open() for node in self.nodes.values()])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clockwork.cancel()
        await asyncio.gather(self._clockwork, *[node.stop() for node in self.nodes.values()], return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            for node in self.nodes.values():
                if not node.held:
                    node.work.ticks += 1
                    node.schedule()
            await asyncio.sleep(TICK_S)

    def connected(self, one: str, other: str) -> bool:
        """Whether two nodes hear each other."""
        return one not in self.cut and other not in self.cut

    def deliver(self, sender: str, to: int, envelope: bytes) -> None:
        """Carry an envelope of Raft."""
        receiver = self.nodes[f"node-{to}"]
        if self.connected(sender, receiver.me.node_id) and not receiver.held:
            receiver.work.add_envelope(self.nodes[sender].me.raft_id, envelope)
            receiver.schedule()

    # What tests wait for and look at

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let time pass until something holds."""
        async with asyncio.timeout(20):
            while not holds():
                await asyncio.sleep(TICK_S)

    async def settled(self, *without: str) -> None:
        """Let time pass until every group has a leader that the others follow."""
        heard = [node for name, node in self.nodes.items() if name not in without]

        def agreed() -> bool:
            views = [[node.driver.views[group] for node in heard] for group in range(SHARDS + 1)]
            return all(
                sum(view.is_leader for view in of_group) == 1 and len({view.leader for view in of_group}) == 1
                for of_group in views
            )

        await self.until(agreed)

    def leader(self, group: int) -> InProcess:
        """Return the node that leads a group."""
        (leading,) = [
            node for name, node in self.nodes.items() if name not in self.cut and node.driver.views[group].is_leader
        ]
        return leading

    def others(self, node: InProcess) -> list[InProcess]:
        """Return all nodes but one."""
        return [other for other in self.nodes.values() if other is not node]

    def group_of(self, number: int) -> int:
        """Return the group that has entity `number`."""
        node = next(iter(self.nodes.values()))
        return node.topology.groups[node.router.shard_of(uuid(number))]

    def led_by(self, node: InProcess) -> list[int]:
        """Return the groups of shards that a node leads."""
        return [group for group in range(1, SHARDS + 1) if node.driver.views[group].is_leader]

    async def move(self, group: int, to: InProcess) -> None:
        """Give a group to another leader, and wait until everybody knows."""
        if not to.driver.views[group].is_leader:
            leader = self.leader(group)
            leader.driver.transfer_leader(group, to.me.raft_id)
            leader.schedule()
            await self.until(lambda: to.driver.views[group].is_leader)
        await self.settled()
