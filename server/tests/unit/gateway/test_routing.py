from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from server.tests.unit.inprocess_cluster import InProcessCluster
from themis_server.gateway.routing import Place


@pytest.fixture
async def cluster() -> AsyncIterator[InProcessCluster]:
    racks = ("rack1", "rack2", "rack1", "rack2")
    async with InProcessCluster(racks=racks, hosted=lambda node_id, group: node_id != "node-1" or group < 2) as started:
        yield started


def nearest(cluster: InProcessCluster, group: int, times: int = 8) -> list[list[str]]:
    routing = cluster.nodes["node-1"].routing
    return [routing.nearest(routing.places()[group - 1]) for _ in range(times)]


async def test_the_replica_at_hand_is_nearest_then_the_rack_then_the_others(cluster: InProcessCluster) -> None:
    for found in nearest(cluster, 1):
        assert found[:2] == ["node-1", "node-3"]
        assert sorted(found[2:]) == ["node-2", "node-4"]
    for found in nearest(cluster, 2):
        assert found[0] == "node-3"


async def test_among_equals_each_has_its_turn(cluster: InProcessCluster) -> None:
    assert {found[1] for found in nearest(cluster, 2)} == {"node-2", "node-4"}


async def test_who_is_known_to_be_down_comes_last(cluster: InProcessCluster) -> None:
    cluster.nodes["node-1"].down = lambda node_id: node_id == "node-3"

    assert {found[-1] for found in nearest(cluster, 2)} == {"node-3"}


async def test_a_leader_that_has_just_denied_it_is_not_asked_again_at_once(cluster: InProcessCluster) -> None:
    routing = cluster.nodes["node-1"].routing
    place = routing.places()[1]
    leader = routing.leader(place)
    assert leader is not None

    assert routing.leader(place, leader) is None
    assert routing.anybody(place, leader) not in (leader, "node-1", None)
    other = next(node for node in cluster.nodes.values() if node.me.node_id not in (leader, "node-1"))
    routing.hint(place.group, other.me.raft_id)
    assert routing.leader(place, leader) == other.me.node_id


async def test_while_replicas_change_the_old_ones_serve_too(cluster: InProcessCluster) -> None:
    node = cluster.nodes["node-1"]
    topology = node.topology.current
    first = topology.shards[0]
    moved = msgspec.structs.replace(first, replicas=first.replicas[:1], before=first.replicas[1:])

    node.topology.update(msgspec.structs.replace(topology, epoch=99, shards=(moved, *topology.shards[1:])))

    assert sorted(node.routing.place(first.shard_id).nodes) == ["node-1", "node-2", "node-3", "node-4"]


async def test_a_node_is_asked_where_the_topology_says_it_is(cluster: InProcessCluster) -> None:
    node = cluster.nodes["node-1"]
    topology = node.topology.current
    before = node.routing.host("node-2")
    assert before is node.routing.host("node-2")
    nodes = [
        msgspec.structs.replace(one, peer="10.0.0.1:7") if one.node_id == "node-2" else one for one in topology.nodes
    ]

    node.topology.update(msgspec.structs.replace(topology, epoch=99, nodes=tuple(nodes)))

    assert node.routing.host("node-2") is not before
    assert node.routing.host("nobody") is None
    assert node.routing.leader(Place("shard_001", 1, ())) is not None
