"""A shard put together from three sources that may contradict each other, or be silent."""

from __future__ import annotations

import msgspec

from server.tests.unit.clustered import NAMES, RAFT, READER, topology_of_three
from themis_server.gateway.shard_state import Told, assemble
from themis_server.gateway.standing import Leader
from themis_server.metadata.topology import ReplicaPlace
from themis_server.replication.views import GroupStatus

TOPOLOGY = topology_of_three()
PLACES = TOPOLOGY.shards[0].replicas
LEADER = GroupStatus(
    group=1, role="leader", leader=RAFT["node-1"], term=7, commit=50, applied=50, log_entries=5, log_bytes=9,
    voters=tuple(RAFT[name] for name in NAMES), learners=(RAFT[READER],),
    match={RAFT["node-1"]: 60, RAFT["node-2"]: 50, RAFT["node-3"]: 10, RAFT[READER]: 50},
)  # fmt: skip
FOLLOWER = msgspec.structs.replace(LEADER, role="follower", match={}, applied=40)


def all_say(**changed: GroupStatus | None) -> Told:
    """Return what all nodes say, some of them something else; a node that is None does not answer."""
    said: dict[str, GroupStatus | None] = {"node-1": LEADER, **dict.fromkeys(("node-2", "node-3", READER), FOLLOWER)}
    said.update({name.replace("_", "-"): facts for name, facts in changed.items()})
    return {name: None if facts is None else {1: facts} for name, facts in said.items()}


def test_lag_is_counted_to_the_end_of_the_leaders_log() -> None:
    state = assemble(TOPOLOGY, "shard_001", 1, PLACES, Leader("node-1", 7), all_say())

    assert [replica.lag_entries for replica in state.replicas] == [0, 10, 50, 10]


def test_of_two_that_say_to_lead_the_later_term_is_believed() -> None:
    later = msgspec.structs.replace(LEADER, term=8, leader=RAFT["node-2"], commit=55)

    state = assemble(TOPOLOGY, "shard_001", 1, PLACES, Leader("node-1", 7), all_say(node_2=later))

    assert (state.leader, state.commit) == (Leader("node-2", 8), 55)


def test_a_leader_of_the_past_does_not_speak_for_the_shard() -> None:
    state = assemble(TOPOLOGY, "shard_001", 1, PLACES, Leader("node-3", 9), all_say())

    assert (state.leader, state.commit, state.settled) == (Leader("node-3", 9), None, None)


def test_a_replica_to_come_and_one_to_go_are_both_shown() -> None:
    wanted = (*PLACES[:2], ReplicaPlace("node-4", "voter"), PLACES[3])

    state = assemble(TOPOLOGY, "shard_001", 1, wanted, Leader("node-1", 7), {**all_say(), "node-4": {}})

    by_name = {replica.node_id: (replica.role, replica.wanted, replica.state) for replica in state.replicas}
    assert by_name["node-3"] == ("voter", "none", "follower")
    assert by_name["node-4"] == ("none", "voter", "absent")
    assert (state.settled, state.health) == (False, "degraded")


def test_a_member_that_is_no_node_any_more_is_shown_by_its_number() -> None:
    stranger = msgspec.structs.replace(LEADER, voters=(*LEADER.voters, 0xABC))

    state = assemble(TOPOLOGY, "shard_001", 1, PLACES, Leader("node-1", 7), all_say(node_1=stranger))

    (shown,) = [replica for replica in state.replicas if replica.wanted == "none"]
    assert (shown.node_id, shown.role, shown.state) == ("raft-abc", "voter", "unreachable")
    assert state.settled is False


def test_a_shard_with_fewer_voters_than_wanted_is_degraded() -> None:
    topology = msgspec.structs.replace(TOPOLOGY, replicas=5)

    assert assemble(topology, "shard_001", 1, PLACES, Leader("node-1", 7), all_say()).health == "degraded"


def test_nobody_leads_and_nobody_answers() -> None:
    silent: Told = dict.fromkeys((*NAMES, READER))

    state = assemble(TOPOLOGY, "shard_001", 1, PLACES, None, silent)

    assert (state.health, state.leader, state.settled) == ("down", None, None)
    assert {replica.state for replica in state.replicas} == {"unreachable"}
    assert [replica.role for replica in state.replicas] == [place.role for place in PLACES], "as the topology has it"
