from __future__ import annotations

import asyncio

import msgspec

from server.tests.unit.inprocess import ME, SHARDS, VIRTUAL_NODES, InProcess, refused, uuid
from server.tests.unit.metadata.group import LaggingGroup
from themis.placement import key_hash
from themis_server.errors import ErrorCode
from themis_server.metadata import topology as topologies
from themis_server.metadata.keeper import load_or_create
from themis_server.metadata.topology import TopologyView


async def test_a_new_cluster_has_one_node_that_holds_every_shard() -> None:
    async with InProcess() as node:
        topology = node.topology.current

        assert (topology.epoch, topology.nodes) == (1, (ME,))
        assert [shard.shard_id for shard in topology.shards] == [f"shard_{n:03}" for n in range(1, SHARDS + 1)]
        assert {replica for shard in topology.shards for replica in shard.replicas} == {
            topologies.ReplicaPlace("node-1", "voter")
        }
        assert len(topology.tokens) == SHARDS * VIRTUAL_NODES


async def test_tokens_ascend_as_unsigned_numbers_of_16_digits() -> None:
    topology = topologies.initial(ME, SHARDS, VIRTUAL_NODES)

    digits = [token for token, _ in topology.tokens]

    assert digits == sorted(digits)
    assert {len(token) for token in digits} == {16}


async def test_every_key_has_its_shard_by_the_published_table() -> None:
    view = TopologyView(topologies.initial(ME, SHARDS, VIRTUAL_NODES))

    for number in range(200):
        hashed = f"{key_hash(uuid(number)):016x}"
        wanted = next((owner for token, owner in view.current.tokens if token >= hashed), view.current.tokens[0][1])
        assert view.table.shard_for_uuid(uuid(number)) == wanted


async def test_a_restart_changes_nothing_and_raises_no_epoch() -> None:
    async with InProcess() as node:
        before = node.topology.current

        await node.crash()

        assert node.topology.current == before


async def test_a_changed_endpoint_raises_the_epoch_by_one_and_moves_nothing() -> None:
    async with InProcess() as node:
        moved = msgspec.structs.replace(ME, endpoint="http://127.0.0.1:2")

        topology = await load_or_create(node.store, moved, SHARDS, VIRTUAL_NODES)

        assert (topology.epoch, topology.nodes) == (2, (moved,))
        assert (topology.shards, topology.tokens) == (node.topology.current.shards, node.topology.current.tokens)
        assert await load_or_create(node.store, moved, SHARDS, VIRTUAL_NODES) == topology


async def test_a_node_that_nobody_admitted_is_refused() -> None:
    async with InProcess() as node:
        stranger = msgspec.structs.replace(ME, node_id="node-2", raft_id=2)

        await refused(load_or_create(node.store, stranger, SHARDS, VIRTUAL_NODES), ErrorCode.NODE_NOT_FOUND)


async def test_of_two_first_nodes_that_start_together_one_makes_the_cluster() -> None:
    group = LaggingGroup()
    others = [msgspec.structs.replace(ME, node_id=f"node-{n}", raft_id=n) for n in (1, 2)]

    results = await asyncio.gather(
        *[load_or_create(group.leader.store, other, SHARDS, VIRTUAL_NODES) for other in others], return_exceptions=True
    )

    made = [result for result in results if isinstance(result, topologies.Topology)]
    assert len(made) == 1
    assert len(made[0].nodes) == 1


def test_a_topology_of_the_first_release_is_read() -> None:
    stored = (
        b'{"epoch":3,"nodes":[{"node_id":"node-1","raft_id":7,"endpoint":"http://h:1","datacenter":"dc1","rack":"r1",'
        b'"state":"up","version":"0.1.0"}],"shards":[{"shard_id":"shard_001","group":1,"replicas":[{"node_id":"node-1",'
        b'"role":"voter"}]}],"tokens":[["00000000000000aa","shard_001"]]}'
    )

    topology = topologies.decode(stored)

    node, shard = topology.nodes[0], topology.shards[0]
    assert (node.peer, node.instance, node.kind) == ("", "", "data")
    assert (shard.since, shard.before, topology.replicas, topology.metadata, topology.removed) == (0, (), 1, (), ())
    assert topologies.decode(topologies.encode(topology)) == topology


async def test_the_number_of_shards_is_that_of_the_first_start() -> None:
    async with InProcess() as node:
        topology = await load_or_create(node.store, ME, SHARDS * 2, VIRTUAL_NODES)

        assert len(topology.shards) == SHARDS


async def test_a_stored_topology_reads_back() -> None:
    topology = topologies.initial(ME, SHARDS, VIRTUAL_NODES)

    assert msgspec.json.decode(msgspec.json.encode(topology), type=topologies.Topology) == topology


def newer(view: TopologyView, by: int = 1) -> topologies.Topology:
    return msgspec.structs.replace(view.current, epoch=view.epoch + by)


async def test_a_view_takes_newer_topologies_only() -> None:
    view = TopologyView(topologies.initial(ME, SHARDS, VIRTUAL_NODES))
    old = view.current

    view.update(newer(view))
    view.update(old)

    assert view.epoch == 2


async def test_who_waits_for_a_newer_topology_is_woken_by_it() -> None:
    view = TopologyView(topologies.initial(ME, SHARDS, VIRTUAL_NODES))
    waiting = asyncio.ensure_future(view.wait_newer(2, 60))
    await asyncio.sleep(0)

    view.update(newer(view))
    await asyncio.sleep(0)
    assert not waiting.done()  # 2 is not newer than 2
    view.update(newer(view))

    assert await asyncio.wait_for(waiting, 10)


async def test_a_wait_ends_with_its_time_or_the_node() -> None:
    view = TopologyView(topologies.initial(ME, SHARDS, VIRTUAL_NODES))
    assert await view.wait_newer(0, 0)
    assert not await view.wait_newer(1, 0)
    assert not await view.wait_newer(1, 0.001)
    waiting = asyncio.ensure_future(view.wait_newer(1, 60))
    await asyncio.sleep(0)

    view.release()

    assert not await asyncio.wait_for(waiting, 10)
