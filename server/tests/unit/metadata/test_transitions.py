"""The changes of a topology that people and nodes ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from server.tests.unit.metadata.world import node
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata import topology as topologies
from themis_server.metadata import transitions
from themis_server.metadata.topology import ReplicaPlace, Topology

ONE = topologies.initial(node(1), 2, 1, replicas=3)
TWO = transitions.enter(transitions.admit(ONE, node(2)), node(2))


def places(*node_ids: str) -> tuple[ReplicaPlace, ...]:
    return tuple(ReplicaPlace(node_id, "voter") for node_id in node_ids)


BOTH = transitions.place(TWO, {1: places("n001", "n002"), 2: places("n001")})


def refused(code: ErrorCode, change: Callable[[], Topology]) -> str:
    with pytest.raises(ThemisServerError) as raised:
        change()
    assert raised.value.code == code, repr(raised.value)
    return raised.value.detail


# Nodes come


def test_an_admitted_node_joins_with_a_replica_of_the_metadata_and_is_up_when_it_has_started() -> None:
    admitted = transitions.admit(ONE, node(2))
    started = transitions.enter(admitted, node(2))

    assert [one.state for one in admitted.nodes] == ["up", "joining"]
    assert admitted.metadata == (ReplicaPlace("n001", "voter"), ReplicaPlace("n002", "learner"))
    assert admitted.metadata_since == admitted.epoch == 2
    assert [one.state for one in started.nodes] == ["up", "up"]
    assert started.epoch == 3


def test_a_node_that_asks_again_is_admitted_once() -> None:
    admitted = transitions.admit(ONE, node(2))

    assert transitions.admit(admitted, node(2)) is not ONE
    assert transitions.admit(admitted, replace(node(2), state="joining")) is admitted
    moved = transitions.admit(admitted, replace(node(2), peer="elsewhere:1"))
    assert (moved.epoch, moved.nodes[1].peer) == (3, "elsewhere:1")


def test_a_name_belongs_to_one_data_directory() -> None:
    other = replace(node(2), instance="another directory")

    refused(ErrorCode.DUPLICATE_NODE, lambda: transitions.admit(TWO, other))
    refused(ErrorCode.DUPLICATE_NODE, lambda: transitions.enter(TWO, other))


def test_two_names_of_one_raft_id_are_not_both_admitted() -> None:
    refused(ErrorCode.DUPLICATE_NODE, lambda: transitions.admit(TWO, replace(node(3), raft_id=2)))


def test_a_restart_of_the_same_node_changes_nothing_and_a_new_address_raises_the_epoch() -> None:
    assert transitions.enter(TWO, node(2)) is TWO

    moved = transitions.enter(TWO, replace(node(2), endpoint="http://elsewhere"))

    assert (moved.epoch, moved.nodes[1].endpoint) == (TWO.epoch + 1, "http://elsewhere")
    assert moved.nodes[0] == TWO.nodes[0]


def test_an_entry_of_the_first_release_takes_the_instance_of_the_node_that_starts() -> None:
    old = replace(ONE, nodes=(replace(node(1), instance=""),))

    assert transitions.enter(old, node(1)).nodes == (node(1),)


def test_a_node_that_was_never_admitted_does_not_enter() -> None:
    refused(ErrorCode.NODE_NOT_FOUND, lambda: transitions.enter(ONE, node(2)))


# Nodes go


def test_a_drained_node_stays_so_over_a_restart_until_it_is_undrained() -> None:
    drained = transitions.drain(TWO, "n002")

    assert transitions.drain(drained, "n002") is drained
    assert transitions.enter(drained, node(2)) is drained
    assert transitions.undrain(drained, "n002").nodes == TWO.nodes


def test_the_only_node_that_can_hold_data_is_not_drained() -> None:
    reader = replace(node(2), kind="read_replica")
    topology = transitions.enter(transitions.admit(ONE, reader), reader)

    refused(ErrorCode.NODE_IN_USE, lambda: transitions.drain(ONE, "n001"))
    refused(ErrorCode.NODE_IN_USE, lambda: transitions.drain(topology, "n001"))
    assert transitions.drain(topology, "n002").nodes[1].state == "leaving"


def test_an_empty_node_is_removed_and_its_directory_never_comes_back() -> None:
    removed = transitions.remove(TWO, "n002")

    assert [one.node_id for one in removed.nodes] == ["n001"]
    assert removed.metadata == places("n001")
    assert removed.metadata_since == removed.epoch == TWO.epoch + 1
    refused(ErrorCode.NODE_REMOVED, lambda: transitions.admit(removed, node(2)))
    refused(ErrorCode.NODE_REMOVED, lambda: transitions.enter(removed, node(2)))
    assert transitions.admit(removed, replace(node(2), instance="a new directory")).nodes[1].state == "joining"


def test_a_node_with_replicas_is_removed_by_force_only() -> None:
    assert "1 replicas" in refused(ErrorCode.NODE_IN_USE, lambda: transitions.remove(BOTH, "n002"))

    removed = transitions.remove(BOTH, "n002", force=True)

    assert [shard.replicas for shard in removed.shards] == [places("n001"), places("n001")]
    assert removed.shards[0].since == removed.epoch
    assert removed.shards[1].since == BOTH.shards[1].since


def test_the_last_voter_of_a_shard_is_not_removed_even_by_force() -> None:
    topology = transitions.place(BOTH, {2: places("n002")})

    assert "shard_002" in refused(ErrorCode.NODE_IN_USE, lambda: transitions.remove(topology, "n002", force=True))
    assert "metadata" in refused(ErrorCode.NODE_IN_USE, lambda: transitions.remove(TWO, "n001", force=True))


@pytest.mark.parametrize("change", [transitions.drain, transitions.undrain, transitions.remove])
def test_an_unknown_node_is_not_found(change: Callable[[Topology, str], Topology]) -> None:
    refused(ErrorCode.NODE_NOT_FOUND, lambda: change(TWO, "n009"))


# Replicas


def test_a_replica_is_moved_to_a_node_that_may_have_it() -> None:
    moved = transitions.replace_replica(TWO, "shard_001", "n001", "n002")

    shard = moved.shards[0]
    assert (shard.replicas, shard.before, shard.since) == (places("n002"), places("n001"), moved.epoch)
    assert moved.shards[1] == TWO.shards[1]


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        ("n002", "n001", ErrorCode.PLACEMENT_REFUSED),
        ("n001", "n001", ErrorCode.PLACEMENT_REFUSED),
        ("n001", "n009", ErrorCode.NODE_NOT_FOUND),
    ],
)
def test_a_replica_is_not_moved_from_or_to_where_it_cannot_be(source: str, target: str, code: ErrorCode) -> None:
    refused(code, lambda: transitions.replace_replica(TWO, "shard_001", source, target))


@pytest.mark.parametrize("entry", [replace(node(2), state="leaving"), replace(node(2), kind="read_replica")])
def test_a_voter_needs_a_data_node_that_is_up(entry: topologies.Node) -> None:
    topology = replace(TWO, nodes=(node(1), entry))

    refused(
        ErrorCode.PLACEMENT_REFUSED, lambda: transitions.replace_replica(topology, "shard_001", "n001", entry.node_id)
    )


def test_an_unknown_shard_is_not_found() -> None:
    refused(ErrorCode.SHARD_NOT_FOUND, lambda: transitions.replace_replica(TWO, "shard_009", "n001", "n002"))


def test_the_number_of_replicas_is_bounded() -> None:
    assert transitions.set_replicas(ONE, 5).replicas == 5
    assert transitions.set_replicas(ONE, 3) is ONE
    for number in (0, 10):
        refused(ErrorCode.PLACEMENT_REFUSED, lambda number=number: transitions.set_replicas(ONE, number))  # type: ignore[misc]
