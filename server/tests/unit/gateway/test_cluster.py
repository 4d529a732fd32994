"""What operators ask of the cluster and do with it, seen from node-1."""

from __future__ import annotations

from collections.abc import Coroutine

import msgspec
import pytest

from server.tests.unit.clustered import NAMES, RAFT, READER, Clustered, metadata_unavailable, node
from server.tests.unit.inprocess import refused
from themis_server.errors import ErrorCode
from themis_server.gateway.cluster import MetadataState
from themis_server.gateway.shard_state import ReplicaState
from themis_server.gateway.standing import Leader
from themis_server.metadata import transitions
from themis_server.metadata.topology import ReplicaPlace
from themis_server.peer.errors import PeerLost, PeerUnreachable
from themis_server.replication.outcome import NotLeader


@pytest.fixture
def cluster() -> Clustered:
    return Clustered()


def without(cluster: Clustered, name: str) -> None:
    """Let a node be gone: its lease has ended, and nobody reaches it."""
    cluster.broken[name] = PeerUnreachable("connection refused")
    cluster.reports.pop(name)


# The whole


async def test_all_is_well(cluster: Clustered) -> None:
    state = await cluster.operations.state()

    assert state.findings == ()
    assert set(state.shards.values()) == {"healthy"}
    assert (state.unsettled, state.unreachable) == ((), ())
    assert state.metadata_leader == Leader("node-1", 5)


async def test_a_lost_node_degrades_its_shards_and_is_named(cluster: Clustered) -> None:
    without(cluster, "node-3")

    state = await cluster.operations.state()

    assert state.nodes["node-3"].health == "down"
    assert set(state.shards.values()) == {"degraded"}
    assert [(silent.node_id, silent.since_ms) for silent in state.unreachable] == [("node-3", cluster.clock.unix_ms())]
    assert any("node-3 is down" in finding for finding in state.findings)


async def test_the_gravest_comes_first(cluster: Clustered) -> None:
    without(cluster, "node-2")
    del cluster.leaders[2]
    cluster.metadata = MetadataState("etcd", "none of its members answers")

    state = await cluster.operations.state()

    assert state.shards["shard_002"] == "down"
    assert [words in finding for words, finding in zip(
        ("shard_002", "metadata", "node-2", "on their way"), state.findings, strict=True
    )] == [True] * 4  # fmt: skip


async def test_more_replicas_than_nodes_are_found(cluster: Clustered) -> None:
    await cluster.operations.set_replicas(5)

    assert any("5 replicas are wanted" in finding for finding in (await cluster.operations.state()).findings)


async def test_a_report_older_than_the_change_does_not_settle_a_shard(cluster: Clustered) -> None:
    cluster.view.update(transitions.place(cluster.view.current, {1: [ReplicaPlace(name, "voter") for name in NAMES]}))

    assert (await cluster.operations.state()).unsettled == ("shard_001",)


# Nodes


async def test_a_node_says_what_it_holds(cluster: Clustered) -> None:
    first, _, _, reader = await cluster.operations.nodes()

    assert (first.voters, first.learners, first.leaders) == (2, 0, 1)
    assert (reader.voters, reader.learners, reader.leaders) == (0, 2, 0)
    assert first.unreachable is None


async def test_a_node_that_does_not_answer_keeps_what_is_known_of_it(cluster: Clustered) -> None:
    cluster.broken["node-2"] = PeerLost("no answer within 2 s")
    first_ms = cluster.clock.unix_ms()
    await cluster.operations.nodes()
    cluster.clock.advance(60)

    state = await cluster.operations.node("node-2")

    assert state.status is None
    assert state.unreachable is not None
    assert state.unreachable.since_ms == first_ms, "the first time counts"
    assert (state.voters, state.leaders) == (2, 1), "by the topology, as the node does not say"
    assert state.health.health == "healthy", "its lease has not ended"


async def test_a_node_that_answers_again_is_no_longer_unreachable(cluster: Clustered) -> None:
    cluster.broken["node-2"] = PeerUnreachable("connection refused")
    await cluster.operations.nodes()
    del cluster.broken["node-2"]
    await cluster.operations.nodes()
    cluster.clock.advance(60)
    cluster.broken["node-2"] = PeerUnreachable("connection refused")

    state = await cluster.operations.node("node-2")

    assert state.unreachable is not None
    assert state.unreachable.since_ms == cluster.clock.unix_ms()


async def test_a_report_of_another_data_directory_does_not_count(cluster: Clustered) -> None:
    cluster.reports["node-2"] = msgspec.structs.replace(cluster.reports["node-2"], instance="f" * 32)

    assert (await cluster.operations.node("node-2")).health.health == "down"


async def test_drain_and_undrain(cluster: Clustered) -> None:
    drained = await cluster.operations.drain("node-2")
    again = await cluster.operations.drain("node-2")
    back = await cluster.operations.undrain("node-2")

    assert [topology.epoch for topology in (drained, again, back)] == [43, 43, 44]
    assert cluster.operations.known("node-2").state == "up"


async def test_a_node_in_use_is_removed_only_by_force(cluster: Clustered) -> None:
    await refused(cluster.operations.remove("node-3", force=False), ErrorCode.NODE_IN_USE)

    topology = await cluster.operations.remove("node-3", force=True)

    assert topology.node("node-3") is None


@pytest.mark.parametrize("call", ["drain", "undrain", "node"])
async def test_an_unknown_node_is_refused_by_name(cluster: Clustered, call: str) -> None:
    error = await refused(getattr(cluster.operations, call)("node-7"), ErrorCode.NODE_NOT_FOUND)

    assert "node-7" in error.detail


async def test_changes_wait_for_the_metadata_and_questions_do_not(cluster: Clustered) -> None:
    cluster.refuse_changes = metadata_unavailable()

    await refused(cluster.operations.drain("node-2"), ErrorCode.METADATA_UNAVAILABLE)

    assert len(await cluster.operations.nodes()) == 4


# Shards


async def test_the_leader_tells_how_far_each_replica_is(cluster: Clustered) -> None:
    state = await cluster.operations.shard("shard_002")

    assert (state.health, state.leader, state.commit, state.settled) == ("healthy", Leader("node-2", 5), 100, True)
    assert state.replicas[1] == ReplicaState("node-2", "voter", "voter", "leader", 100, 0, 100)
    assert state.replicas[2] == ReplicaState("node-3", "voter", "voter", "follower", 97, 3, 98)
    assert state.replicas[3] == ReplicaState(READER, "learner", "learner", "learner", 97, 3, 98)


async def test_without_its_leader_a_shard_is_described_by_the_others(cluster: Clustered) -> None:
    cluster.broken["node-2"] = PeerUnreachable("connection refused")

    state = await cluster.operations.shard("shard_002")

    assert (state.leader, state.commit, state.settled) == (Leader("node-2", 5), None, None)
    assert [replica.state for replica in state.replicas] == ["follower", "unreachable", "follower", "learner"]
    assert {replica.match for replica in state.replicas} == {None}
    assert state.replicas[0].applied == 98


async def test_all_shards_come_with_those_who_did_not_answer(cluster: Clustered) -> None:
    cluster.broken["node-3"] = PeerUnreachable("connection refused")

    states, silent = await cluster.operations.shards()

    assert [state.shard_id for state in states] == ["shard_001", "shard_002"]
    assert [missing.node_id for missing in silent] == ["node-3"]


async def test_the_metadata_is_a_shard_too_where_it_is_embedded(cluster: Clustered) -> None:
    state = await cluster.operations.shard("metadata")

    assert [replica.node_id for replica in state.replicas] == list(NAMES)
    cluster.view.update(msgspec.structs.replace(cluster.view.current, epoch=43, metadata=()))
    await refused(cluster.operations.shard("metadata"), ErrorCode.SHARD_NOT_FOUND)


async def test_an_unknown_shard_is_refused_by_name(cluster: Clustered) -> None:
    calls: list[Coroutine[object, object, object]] = [
        cluster.operations.shard("shard_099"),
        cluster.operations.transfer_leader("shard_099", None),
        cluster.operations.replace_replica("shard_099", "node-1", None),
        cluster.operations.replace_replica("shard_099", "node-1", "node-2"),
    ]
    for call in calls:
        assert "shard_099" in (await refused(call, ErrorCode.SHARD_NOT_FOUND)).detail


# Leaders


async def test_a_leader_here_is_moved_without_a_call(cluster: Clustered) -> None:
    moved = await cluster.operations.transfer_leader("shard_001", "node-3")

    assert moved == Leader("node-3", 6)
    assert cluster.called == []


async def test_a_leader_elsewhere_is_asked_to_hand_over(cluster: Clustered) -> None:
    moved = await cluster.operations.transfer_leader("shard_002", "node-3")

    assert moved == Leader("node-3", 6)
    assert cluster.called == [("node-2", "node.transfer")]


async def test_who_leads_already_is_left_alone(cluster: Clustered) -> None:
    assert await cluster.operations.transfer_leader("shard_002", "node-2") == Leader("node-2", 5)
    assert cluster.called == []


async def test_without_a_target_the_furthest_voter_that_is_up_leads(cluster: Clustered) -> None:
    facts = cluster.machines["node-1"].groups[1]
    match = {RAFT["node-1"]: 100, RAFT["node-2"]: 99, RAFT["node-3"]: 98, RAFT[READER]: 100}
    cluster.machines["node-1"].groups[1] = msgspec.structs.replace(facts, match=match)

    assert (await cluster.operations.transfer_leader("shard_001", None)).node_id == "node-2"

    cluster.lead(1, "node-1")
    cluster.reports.pop("node-2")
    assert (await cluster.operations.transfer_leader("shard_001", None)).node_id == "node-3"


async def test_a_node_that_led_before_says_who_does_now(cluster: Clustered) -> None:
    cluster.lead(2, "node-3")
    cluster.leaders[2] = (RAFT["node-2"], 5)  # node-1 has not heard of it yet

    assert (await cluster.operations.transfer_leader("shard_002", "node-1")).node_id == "node-1"
    assert [name for name, _ in cluster.called] == ["node-2", "node-3"]


async def test_a_leader_that_has_just_lost_the_lead_names_the_next(cluster: Clustered) -> None:
    asked = cluster.machines["node-2"]
    asked.transfer_fails = NotLeader(RAFT["node-3"])
    cluster.lead(2, "node-3")
    cluster.leaders[2] = (RAFT["node-2"], 5)
    asked.views[2].is_leader = True  # the view is older than the driver

    assert (await cluster.operations.transfer_leader("shard_002", "node-1")).node_id == "node-1"


@pytest.mark.parametrize("target", [READER, "node-4"])
async def test_who_does_not_vote_cannot_lead(cluster: Clustered, target: str) -> None:
    topology = cluster.view.current
    cluster.view.update(msgspec.structs.replace(topology, epoch=43, nodes=(*topology.nodes, node("node-4", 4))))

    error = await refused(cluster.operations.transfer_leader("shard_001", target), ErrorCode.TRANSFER_REFUSED)

    assert target in error.detail


async def test_why_a_leader_does_not_hand_over_is_told(cluster: Clustered) -> None:
    cluster.machines["node-2"].transfer_fails = RuntimeError("a change of members is under way")

    error = await refused(cluster.operations.transfer_leader("shard_002", "node-1"), ErrorCode.TRANSFER_REFUSED)

    assert "a change of members is under way" in error.detail


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (PeerUnreachable("connection refused"), ErrorCode.NODE_UNREACHABLE),
        (PeerLost("no answer within 6 s"), ErrorCode.OUTCOME_UNKNOWN),
    ],
)
async def test_a_leader_that_cannot_be_asked(cluster: Clustered, failure: Exception, code: ErrorCode) -> None:
    cluster.broken["node-2"] = failure

    assert "node-2" in (await refused(cluster.operations.transfer_leader("shard_002", "node-1"), code)).detail


async def test_a_shard_without_a_leader_has_none_to_move(cluster: Clustered) -> None:
    del cluster.leaders[1]

    await refused(cluster.operations.transfer_leader("shard_001", "node-1"), ErrorCode.NO_LEADER)


# Replicas


def with_two_more(cluster: Clustered) -> None:
    """Add node-4 in the rack of node-2, and node-5 in a rack of its own."""
    topology = cluster.view.current
    crowded = msgspec.structs.replace(node("node-4", 4), rack="rack2")
    alone = msgspec.structs.replace(node("node-4", 5), node_id="node-5", raft_id=55, instance=f"{5:032x}")
    cluster.view.update(msgspec.structs.replace(topology, epoch=43, nodes=(*topology.nodes, crowded, alone)))
    for entry in (crowded, alone):
        cluster.reports[entry.node_id] = msgspec.structs.replace(
            cluster.reports["node-1"], node_id=entry.node_id, instance=entry.instance, led=()
        )


async def test_a_replica_goes_where_it_is_told(cluster: Clustered) -> None:
    with_two_more(cluster)

    shard = await cluster.operations.replace_replica("shard_001", "node-3", "node-4")

    assert shard.voters == {"node-1", "node-2", "node-4"}


async def test_a_replica_is_not_sent_to_a_node_that_is_down(cluster: Clustered) -> None:
    with_two_more(cluster)
    cluster.reports.pop("node-4")

    await refused(cluster.operations.replace_replica("shard_001", "node-3", "node-4"), ErrorCode.PLACEMENT_REFUSED)


async def test_a_move_that_was_made_is_not_made_again(cluster: Clustered) -> None:
    with_two_more(cluster)
    once = await cluster.operations.replace_replica("shard_001", "node-3", "node-4")

    assert await cluster.operations.replace_replica("shard_001", "node-3", "node-4") == once


async def test_a_replica_goes_to_a_rack_of_its_own_and_to_a_node_that_is_well(cluster: Clustered) -> None:
    with_two_more(cluster)
    assert "node-5" in (await cluster.operations.replace_replica("shard_001", "node-3", None)).voters

    cluster.reports.pop("node-5")
    assert "node-4" in (await cluster.operations.replace_replica("shard_002", "node-3", None)).voters


async def test_no_place_for_a_replica_is_said(cluster: Clustered) -> None:
    await refused(cluster.operations.replace_replica("shard_001", "node-3", None), ErrorCode.PLACEMENT_REFUSED)
