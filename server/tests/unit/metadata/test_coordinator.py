"""The coordinator: one node at a time plans, and what it plans is carried out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from msgspec.structs import replace

from server.tests.unit.metadata.group import LaggingGroup, Member
from server.tests.unit.metadata.world import node
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import topology as topologies
from themis_server.metadata import transitions
from themis_server.metadata.coordinator import KEY, Coordinator
from themis_server.metadata.fencing import Fence
from themis_server.metadata.keeper import TopologyKeeper, load_or_create
from themis_server.metadata.nodes import NodesView
from themis_server.metadata.placer import Settings
from themis_server.metadata.placer.leaders import Transfer
from themis_server.metadata.topology import NODES, NodeReport, TopologyView
from themis_server.statemachine.meta import GROUP

LEASE_S = 3.0


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


class Candidate:
    """A node that may coordinate."""

    def __init__(self, number: int, member: Member, group: LaggingGroup, topology: topologies.Topology) -> None:
        self.store = member.store
        self.view = TopologyView(topology)
        self.nodes = NodesView(member.store, group.clock, lambda: self.coordinator.wake())
        self.release = node(number).version
        self.keeper = TopologyKeeper(
            member.store, self.view, Fence(), lambda: replace(node(number), version=self.release)
        )
        self.asked: list[Transfer] = []
        self.refuses = False
        self.coordinator = Coordinator(
            member.store,
            self.view,
            self.keeper,
            self.nodes,
            f"n{number:03}",
            Settings(),
            group.clock,
            LEASE_S,
            self._transfer,
        )

    async def _transfer(self, transfer: Transfer) -> None:
        self.asked.append(transfer)
        if self.refuses:
            raise ThemisServerError(ErrorCode.TRANSFER_REFUSED, "not now")


class Cluster:
    """Three nodes, all alive; the first one leads everything. Two of them may coordinate."""

    def __init__(self) -> None:
        self.group = LaggingGroup()
        self.candidates: list[Candidate] = []
        self.leader = self.group.leader.store

    async def start(self, stack: AsyncExitStack) -> None:
        topology = await load_or_create(self.leader, node(1), 4, 1, replicas=3)
        keeper = TopologyKeeper(self.leader, TopologyView(topology), Fence(), lambda: node(1))
        for number in (2, 3):
            await keeper.change(lambda known, number=number: transitions.admit(known, node(number)))  # type: ignore[misc]
            topology = await keeper.change(lambda known, number=number: transitions.enter(known, node(number)))  # type: ignore[misc]
        for number in (1, 2, 3):
            await self.report(number, topology)
        self.candidates = [
            Candidate(1, self.group.leader, self.group, topology),
            Candidate(2, self.group.followers[0], self.group, topology),
        ]
        for candidate in self.candidates:
            for task in (candidate.nodes.follow(), candidate.keeper.follow()):
                stack.callback(asyncio.create_task(task).cancel)
            await until(lambda candidate=candidate: len(candidate.nodes.reports) == 3)  # type: ignore[misc]

    async def report(self, number: int, topology: topologies.Topology, unsettled: tuple[int, ...] = ()) -> None:
        led = (GROUP, 1, 2, 3, 4) if number == 1 else ()
        name = f"n{number:03}"
        report = NodeReport(name, name, led=led, unsettled=unsettled, epoch=topology.epoch)
        await self.leader.put(NODES + name, topologies.encode_report(report))


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    started = Cluster()
    async with AsyncExitStack() as stack:
        await started.start(stack)
        yield started


async def test_one_of_all_coordinates_and_another_takes_over(cluster: Cluster) -> None:
    first, second = (candidate.coordinator for candidate in cluster.candidates)

    await asyncio.gather(first.step(), second.step())
    assert [first.active, second.active].count(True) == 1
    holder, other = (first, second) if first.active else (second, first)
    await holder.end()
    cluster.group.send()
    await other.step()

    assert (holder.active, other.active) == (False, True)


async def test_the_office_of_a_silent_coordinator_ends_with_its_lease(cluster: Cluster) -> None:
    first, second = (candidate.coordinator for candidate in cluster.candidates)
    await first.step()
    await second.step()
    assert (first.active, second.active) == (True, False)

    cluster.group.clock.advance(LEASE_S)
    await cluster.leader.end_expired_leases(cluster.group.clock.unix_ms())
    cluster.group.send()
    await second.step()
    await first.step()

    assert (first.active, second.active) == (False, True)
    held = await cluster.leader.get(KEY)
    assert held is not None
    assert held.data == b"n002"


async def test_a_coordinator_that_renews_stays_in_office(cluster: Cluster) -> None:
    first, second = (candidate.coordinator for candidate in cluster.candidates)
    await first.step()
    for _ in range(6):
        cluster.group.clock.advance(LEASE_S / 3)
        await first.step()
        await cluster.leader.end_expired_leases(cluster.group.clock.unix_ms())
        await second.step()

    assert (first.active, second.active) == (True, False)


async def test_what_is_planned_is_stored_and_seen_by_all(cluster: Cluster) -> None:
    first, second = cluster.candidates

    await first.coordinator.step()

    assert all(len(shard.voters) == 3 for shard in first.view.current.shards)
    await until(lambda: second.view.current == first.view.current)


async def test_the_release_is_raised_when_the_last_node_has_it(cluster: Cluster) -> None:
    first, second = cluster.candidates
    first.release = second.release = "0.2.0"

    async def enter(number: int, release: str) -> None:
        entry = replace(node(number), version=release)
        await first.keeper.change(lambda known: transitions.enter(known, entry))

    for number, release in ((1, "0.2.0"), (2, "0.2.0"), (3, "0.1.0")):
        await enter(number, release)
    await first.coordinator.step()
    assert first.view.current.release == "0.1"

    await enter(3, "0.2.1")
    await first.coordinator.step()
    await until(lambda: second.view.current.release == "0.2")


async def test_two_that_both_believe_to_coordinate_plan_once(cluster: Cluster) -> None:
    first, second = cluster.candidates
    epoch = first.view.epoch
    await first.coordinator._acquire()
    second.coordinator._lease = first.coordinator._lease

    await asyncio.gather(first.coordinator.step(), second.coordinator.step())
    await until(lambda: first.view.epoch == second.view.epoch)

    assert first.view.epoch == epoch + 1


async def test_leaders_are_asked_to_move_and_not_again_at_once(cluster: Cluster) -> None:
    first, _ = cluster.candidates
    first.refuses = True
    await first.coordinator.step()
    await cluster.report(1, first.view.current)
    await until(lambda: first.nodes.reports["n001"].epoch == first.view.epoch)

    first.coordinator.wake()
    await first.coordinator.step()
    await until(lambda: first.asked)
    asked = len(first.asked)
    first.coordinator.wake()
    await first.coordinator.step()
    await asyncio.sleep(0.01)

    assert asked == len(first.asked)
    assert {transfer.source for transfer in first.asked} == {"n001"}


async def test_without_the_metadata_nothing_is_planned_and_later_it_goes_on(cluster: Cluster) -> None:
    first, _ = cluster.candidates
    cluster.group.down = True
    await first.coordinator.step()
    assert len(first.view.current.shards[0].voters) == 1

    cluster.group.down = False
    await first.coordinator.step()

    assert first.coordinator.active
    assert len(first.view.current.shards[0].voters) == 3


async def test_run_ends_when_it_is_cancelled_even_if_it_is_woken_at_the_same_moment(cluster: Cluster) -> None:
    first, _ = cluster.candidates
    task = asyncio.create_task(first.coordinator.run())
    await until(lambda: first.coordinator.active)
    await asyncio.sleep(0.2)

    first.coordinator.wake()
    task.cancel()
    _, waits = await asyncio.wait({task}, timeout=2)
    task.cancel()

    assert not waits


async def test_run_plans_when_it_is_woken(cluster: Cluster) -> None:
    first, _ = cluster.candidates
    task = asyncio.create_task(first.coordinator.run())
    await until(lambda: len(first.view.current.shards[0].voters) == 3)

    await cluster.report(1, first.view.current)
    await until(lambda: first.asked)

    task.cancel()
    await first.coordinator.end()
