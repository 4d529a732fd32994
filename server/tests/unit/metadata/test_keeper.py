"""The topology as a node keeps it: changed by compare-and-swap, fenced, followed, and known while the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from server.tests.unit.inprocess import refused
from server.tests.unit.metadata.group import LaggingGroup
from server.tests.unit.metadata.world import node
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import keeper as keepers
from themis_server.metadata import topology as topologies
from themis_server.metadata import transitions
from themis_server.metadata.embedded import EmbeddedStore
from themis_server.metadata.fencing import Fence
from themis_server.metadata.keeper import TopologyKeeper, load_or_create
from themis_server.metadata.lastknown import InMemory
from themis_server.metadata.store import Delete, Put
from themis_server.metadata.topology import KEY, Node, Topology, TopologyView


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keepers, "_RETRY_S", 0.01)


class Cluster:
    """A cluster of one with a store on two nodes; `keeper` is on the one whose replica lags."""

    def __init__(self) -> None:
        self.group = LaggingGroup()
        self.store: EmbeddedStore = self.group.followers[0].store
        self.local = InMemory()

    async def start(self) -> None:
        fence = Fence(self.local)
        topology = await load_or_create(self.store, node(1), 2, 1, replicas=3, cluster="c", fence=fence, patience_s=0.2)
        self.view = TopologyView(topology)
        self.keeper = TopologyKeeper(self.store, self.view, fence, lambda: node(1))

    async def overwrite(self, topology: Topology) -> None:
        """Set the stored topology behind everybody's back, as a restored backup does."""
        await self.group.leader.store.put(KEY, topologies.encode(topology))


@pytest.fixture
async def cluster() -> Cluster:
    started = Cluster()
    await started.start()
    return started


@asynccontextmanager
async def following(cluster: Cluster) -> AsyncIterator[None]:
    task = asyncio.create_task(cluster.keeper.follow())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


# Changing


async def test_changes_that_meet_are_all_made_each_with_an_epoch_of_its_own(cluster: Cluster) -> None:
    made = await asyncio.gather(
        *[cluster.keeper.change(lambda t, n=n: transitions.admit(t, node(n))) for n in range(2, 8)]  # type: ignore[misc]
    )

    assert sorted(topology.epoch for topology in made) == [2, 3, 4, 5, 6, 7]
    assert cluster.view.epoch == 7
    assert {one.node_id for one in cluster.view.current.nodes} == {f"n00{n}" for n in range(1, 8)}


async def test_a_change_that_changes_nothing_writes_nothing(cluster: Cluster) -> None:
    before = await cluster.store.get(KEY)

    await cluster.keeper.change(lambda topology: transitions.set_replicas(topology, 3))

    assert await cluster.store.get(KEY) == before


async def test_a_refused_change_is_refused(cluster: Cluster) -> None:
    await refused(cluster.keeper.change(lambda topology: transitions.drain(topology, "n009")), ErrorCode.NODE_NOT_FOUND)


class Uncertain(EmbeddedStore):
    """Says once of a change that its end is not known; it was made or not."""

    made = True
    told = False

    async def transaction(self, compares: dict[str, int], ops: Sequence[Put | Delete]) -> int | None:
        if self.told:
            return await super().transaction(compares, ops)
        self.told = True
        if self.made:
            await super().transaction(compares, ops)
        raise ThemisServerError(ErrorCode.OUTCOME_UNKNOWN, "nobody knows")


@pytest.mark.parametrize("made", [True, False])
async def test_a_change_whose_end_was_not_known_is_made_once(cluster: Cluster, made: bool) -> None:
    follower = cluster.group.followers[0]
    store = Uncertain(follower.engine, cluster.group.change, follower.barrier)
    follower.store, store.made = store, made

    topology = await keepers.change(store, Fence(), lambda t: transitions.admit(t, node(2)))

    assert topology.epoch == 2
    stored = await store.get(KEY)
    assert stored is not None
    assert topologies.decode(stored.data) == topology


# Following


async def test_a_change_of_another_node_reaches_the_view(cluster: Cluster) -> None:
    async with following(cluster):
        await keepers.change(cluster.group.leader.store, Fence(), lambda t: transitions.admit(t, node(2)))
        await until(lambda: cluster.view.epoch == 2)


async def test_a_snapshot_of_the_metadata_reaches_the_view(cluster: Cluster) -> None:
    follower = cluster.group.followers[0]
    async with following(cluster):
        await asyncio.sleep(0.02)
        cluster.group.held = True
        await keepers.change(cluster.group.leader.store, Fence(), lambda t: transitions.admit(t, node(2)))
        await asyncio.sleep(0.02)
        assert cluster.view.epoch == 1

        follower.take_snapshot_of(cluster.group.leader)
        follower.store.replaced()
        await until(lambda: cluster.view.epoch == 2)


async def test_a_node_brings_its_own_entry_up_to_date_when_the_store_is_back(cluster: Cluster) -> None:
    moved = replace(node(1), endpoint="http://elsewhere")
    cluster.group.down = True
    fence = Fence(cluster.local)
    topology = await load_or_create(cluster.store, moved, 2, 1, fence=fence, patience_s=0.1)
    view = TopologyView(topology)
    task = asyncio.create_task(TopologyKeeper(cluster.store, view, fence, lambda: moved).follow())
    await asyncio.sleep(0.03)
    assert view.current.nodes[0].endpoint == node(1).endpoint

    cluster.group.down = False
    await until(lambda: view.current.nodes[0].endpoint == "http://elsewhere")
    task.cancel()


async def test_a_node_that_stops_lets_its_other_tasks_run(cluster: Cluster) -> None:
    """Clients that wait for a newer topology are let go then; who follows it for the node has to wait as before."""
    async with following(cluster):
        client = asyncio.create_task(cluster.view.wait_newer(cluster.view.epoch, 60))
        await asyncio.sleep(0.01)
        cluster.view.release()
        entered = 0

        def me() -> Node:
            nonlocal entered
            entered += 1
            return node(1)

        cluster.keeper._me = me
        for _ in range(20):
            await asyncio.sleep(0)
        assert not await asyncio.wait_for(client, 1)
        assert entered == 0


async def test_a_node_that_was_removed_learns_it(cluster: Cluster) -> None:
    await cluster.keeper.change(lambda topology: transitions.admit(topology, node(2)))
    async with following(cluster):
        gone = replace(cluster.view.current, epoch=9, nodes=cluster.view.current.nodes[1:], removed=("n001",))
        await cluster.overwrite(gone)
        await until(lambda: cluster.keeper.excluded is not None)

    assert cluster.keeper.excluded is not None
    assert cluster.keeper.excluded.code == ErrorCode.NODE_REMOVED


# The fence


async def ahead(cluster: Cluster) -> Topology:
    """Bring the topology to epoch 3; return the one of epoch 2."""
    old = await cluster.keeper.change(lambda topology: transitions.admit(topology, node(2)))
    await cluster.keeper.change(lambda topology: transitions.admit(topology, node(3)))
    return old


async def test_an_older_topology_is_refused_by_name_and_changes_with_it(cluster: Cluster) -> None:
    old = await ahead(cluster)
    async with following(cluster):
        await cluster.overwrite(old)
        await until(lambda: cluster.keeper.fence.refused)

        assert "metadata store is older than this node has seen" in cluster.keeper.fence.refused
        assert cluster.view.epoch == 3
        error = await refused(
            cluster.keeper.change(lambda t: transitions.set_replicas(t, 5)), ErrorCode.METADATA_OUTDATED
        )
        assert "epoch 2" in error.detail


async def test_another_topology_of_the_same_epoch_is_refused(cluster: Cluster) -> None:
    await ahead(cluster)
    await cluster.overwrite(replace(cluster.view.current, replicas=9))

    await refused(cluster.keeper.change(lambda t: transitions.set_replicas(t, 5)), ErrorCode.METADATA_OUTDATED)


async def test_the_topology_of_another_cluster_is_refused(cluster: Cluster) -> None:
    await cluster.overwrite(replace(cluster.view.current, epoch=99, cluster="another"))

    error = await refused(cluster.keeper.change(lambda t: t), ErrorCode.METADATA_OUTDATED)

    assert "another cluster" in error.detail


async def test_an_empty_store_is_refused_and_not_filled_anew(cluster: Cluster) -> None:
    cluster.group = LaggingGroup()
    cluster.store = cluster.group.followers[0].store

    await cluster.start()

    assert cluster.view.epoch == 1
    assert "it has no topology" in cluster.keeper.fence.refused
    assert await cluster.group.leader.store.get(KEY) is None


async def test_the_fence_outlasts_a_restart(cluster: Cluster) -> None:
    old = await ahead(cluster)
    await cluster.overwrite(old)

    await cluster.start()

    assert cluster.view.epoch == 3
    assert cluster.keeper.fence.refused


async def test_a_store_that_is_right_again_is_believed_again(cluster: Cluster) -> None:
    old = await ahead(cluster)
    newest = cluster.view.current
    async with following(cluster):
        await cluster.overwrite(old)
        await until(lambda: cluster.keeper.fence.refused)
        await cluster.overwrite(newest)
        await until(lambda: not cluster.keeper.fence.refused)

    assert (await cluster.keeper.change(lambda t: transitions.set_replicas(t, 5))).epoch == 4


# Starting without the store


async def test_a_node_starts_with_what_it_knows_while_the_metadata_has_no_leader(cluster: Cluster) -> None:
    cluster.group.down = True

    await cluster.start()

    assert cluster.view.epoch == 1
    await refused(cluster.keeper.change(lambda t: transitions.set_replicas(t, 5)), ErrorCode.NO_LEADER)


async def test_a_new_node_does_not_start_without_the_metadata() -> None:
    cluster = Cluster()
    cluster.group.down = True

    await refused(cluster.start(), ErrorCode.NO_LEADER)


async def test_a_node_that_was_removed_while_it_was_away_does_not_start(cluster: Cluster) -> None:
    await cluster.overwrite(replace(cluster.view.current, epoch=2, nodes=(node(2),), removed=("n001",)))

    await refused(cluster.start(), ErrorCode.NODE_REMOVED)


async def test_a_cluster_of_the_first_release_gets_its_id_and_the_members_of_the_metadata() -> None:
    cluster = Cluster()
    first = topologies.initial(replace(node(1), instance=""), 2, 1, embedded=False)
    await cluster.overwrite(first)

    await cluster.start()

    topology = cluster.view.current
    assert (topology.cluster, topology.shards, topology.tokens) == ("c", first.shards, first.tokens)
    assert topology.metadata == (topologies.ReplicaPlace("n001", "voter"),)
    assert topology.nodes == (node(1),)
    epoch = topology.epoch
    await cluster.start()
    assert cluster.view.epoch == epoch
