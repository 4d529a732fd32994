"""Hedged reads, and what is repeated and what is not."""

from __future__ import annotations

import asyncio

import pytest

from server.tests.unit.inprocess import refused, urn
from server.tests.unit.inprocess_cluster import InProcessCluster
from themis.urn import split_urn
from themis_server.errors import ErrorCode
from themis_server.gateway.hedge import Hedge
from themis_server.shard.reading import STRONG, Consistency, Level
from themis_server.statemachine.command import WriteOp

EVENTUAL = Consistency(Level.EVENTUAL)


def outsider() -> InProcessCluster:
    """Return a cluster whose first node has no replica of a shard."""
    return InProcessCluster(
        hosted=lambda node_id, group: node_id != "node-1" or group == 0, hedge=lambda: Hedge(longest_s=0.02)
    )


async def start(cluster: InProcessCluster) -> None:
    for group in range(1, 5):
        await cluster.move(group, cluster.nodes["node-2"])
    await cluster.nodes["node-1"].entities.write(WriteOp.PUT, *split_urn(urn(1)), b"{}", None, None)


@pytest.mark.parametrize("slow", ["node-2", "node-3"])
async def test_an_eventual_read_of_a_slow_node_is_answered_by_another(slow: str) -> None:
    async with outsider() as cluster:
        await start(cluster)
        origin = cluster.nodes["node-1"]
        await cluster.until(lambda: cluster.nodes["node-3"].driver.views[cluster.group_of(1)].version > 0)
        cluster.silent = lambda node_id, method: node_id == slow

        for _ in range(6):
            found = await origin.entities.read(*split_urn(urn(1)), EVENTUAL)
            assert found.served.node_id != slow
            assert found.stored is not None

        assert 0 < origin.reach.hedged < 6


async def test_a_strong_read_is_never_asked_twice_at_once() -> None:
    async with outsider() as cluster:
        await start(cluster)
        origin = cluster.nodes["node-1"]
        cluster.wires["node-1"].calls.clear()
        cluster.silent = lambda node_id, method: node_id == "node-2"
        reading = asyncio.create_task(origin.entities.read(*split_urn(urn(1)), STRONG))
        await asyncio.sleep(0.1)

        assert cluster.wires["node-1"].calls == [("node-2", "shard.read")]
        cluster.silent = lambda node_id, method: False
        assert (await reading).served.node_id == "node-2"
        assert origin.reach.hedged == 0


async def test_a_read_whose_answer_is_lost_is_asked_again() -> None:
    async with outsider() as cluster:
        await start(cluster)
        origin = cluster.nodes["node-1"]
        lost = iter([True])
        cluster.loses_answers = lambda node_id, method: next(lost, False)

        assert (await origin.entities.read(*split_urn(urn(1)), STRONG)).stored is not None


async def test_an_error_is_the_answer_and_not_asked_for_again() -> None:
    async with outsider() as cluster:
        await start(cluster)
        origin = cluster.nodes["node-1"]
        cluster.wires["node-1"].calls.clear()

        await refused(
            origin.entities.write(WriteOp.PUT, *split_urn(urn(1)), b"{}", (0,), None), ErrorCode.PRECONDITION_FAILED
        )

        assert cluster.wires["node-1"].calls == [("node-2", "shard.mutate")]


async def test_a_write_that_could_not_be_delivered_is_tried_until_it_can_be() -> None:
    async with outsider() as cluster:
        await start(cluster)
        origin = cluster.nodes["node-1"]
        cluster.cut.add("node-1")
        writing = asyncio.create_task(origin.entities.write(WriteOp.PUT, *split_urn(urn(1)), b"{}", None, None))
        await cluster.until(lambda: origin.reach.repeated > 2)

        cluster.cut.clear()

        assert (await writing).served.node_id == "node-2"


async def test_a_keyed_write_whose_answer_was_lost_is_never_said_not_to_have_happened() -> None:
    async with InProcessCluster(
        hosted=lambda node_id, group: node_id != "node-1" or group == 0, leader_wait_s=0.3
    ) as cluster:
        await start(cluster)
        origin = cluster.nodes["node-1"]

        def breaks(node_id: str, method: str) -> bool:
            cluster.cut = {"node-2", "node-3"}  # carried out, and from now on nobody can be asked
            return True

        cluster.loses_answers = breaks
        writing = origin.entities.write(WriteOp.PUT, *split_urn(urn(1)), b'{"a":1}', None, "key")

        await refused(writing, ErrorCode.OUTCOME_UNKNOWN)


async def test_a_keyed_write_of_a_leader_that_cannot_tell_what_became_of_it_is_repeated() -> None:
    async with InProcessCluster() as cluster:
        group = cluster.group_of(1)
        leader = cluster.leader(group)
        await leader.entities.write(WriteOp.PUT, *split_urn(urn(1)), b"{}", None, None)
        cluster.cut = {leader.me.node_id}
        writing = asyncio.create_task(leader.entities.write(WriteOp.PUT, *split_urn(urn(1)), b'{"a":1}', None, "key"))
        await cluster.until(lambda: not leader.driver.views[group].is_leader)
        leader.pending.settle(
            [completion for one in leader.driver.groups.values() for completion in one.abandon(Exception())]
        )
        cluster.cut = set()

        assert (await writing).version > 0


@pytest.mark.parametrize("key", [None, "key"])
async def test_a_write_to_a_leader_that_stands_still_waits_no_longer_than_for_another_leader(key: str | None) -> None:
    async with InProcessCluster() as cluster:
        group = cluster.group_of(1)
        paused = cluster.leader(group)
        origin = cluster.others(paused)[0]
        await origin.entities.write(WriteOp.PUT, *split_urn(urn(1)), b"{}", None, None)
        cluster.silent = lambda node_id, method: node_id == paused.me.node_id
        paused.held = True
        writing = origin.entities.write(WriteOp.PUT, *split_urn(urn(1)), b'{"a":1}', None, key)

        async with asyncio.timeout(0.9):  # a keyed one is sent again after a second of silence in any case
            if key is None:
                await refused(writing, ErrorCode.OUTCOME_UNKNOWN)
            else:
                assert (await writing).served.node_id != paused.me.node_id


async def test_a_deposed_leader_that_is_heard_may_answer() -> None:
    async with InProcessCluster() as cluster:
        group = cluster.group_of(1)
        leader = cluster.leader(group)
        origin, other = cluster.others(leader)
        await origin.entities.write(WriteOp.PUT, *split_urn(urn(1)), b"{}", None, None)
        cluster.silent = lambda node_id, method: node_id == leader.me.node_id
        writing = asyncio.create_task(origin.entities.write(WriteOp.PUT, *split_urn(urn(1)), b"{}", None, None))
        await asyncio.sleep(0)
        await cluster.move(group, other)
        await asyncio.sleep(0.4)
        assert not writing.done()

        cluster.silent = lambda node_id, method: False

        assert (await writing).served.node_id == other.me.node_id  # it says that it does not lead
