"""Which releases work together, and how a cluster goes on to a newer one: when all of its nodes have, and for good."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from server.tests.unit.metadata.test_transitions import refused
from server.tests.unit.metadata.world import node
from themis_server.errors import ErrorCode
from themis_server.metadata import releases, transitions
from themis_server.metadata import topology as topologies
from themis_server.metadata.fencing import Fence
from themis_server.metadata.topology import Node, Topology


def of(number: int, release: str) -> Node:
    return replace(node(number), version=release)


def cluster(*running: str) -> Topology:
    first, *others = (of(number, release) for number, release in enumerate(running, start=1))
    made = topologies.initial(first, 2, 1, replicas=3)
    for other in others:
        made = transitions.enter(transitions.admit(made, other), other)
    return made


@pytest.mark.parametrize(
    ("running", "reached"),
    [
        (("0.1.0", "0.1.7"), "0.1"),
        (("0.2.0", "0.1.9", "0.2.3"), "0.1"),
        (("0.10.0", "0.9.1"), "0.9"),
        (("1.0.0", "0.9.0"), "0.9"),
        (("0.2.0", "unknown"), ""),
        ((), ""),
    ],
)
def test_a_cluster_has_reached_what_its_oldest_node_runs(running: tuple[str, ...], reached: str) -> None:
    assert releases.common(running) == reached


@pytest.mark.parametrize(
    ("reached", "release", "taken"),
    [
        ("0.2", "0.2.9", True),
        ("0.2", "0.3.0", True),
        ("0.2", "0.1.9", False),
        ("0.2", "0.4.0", False),
        ("0.9", "0.10.1", True),
        ("0.2", "1.0.0", False),
        ("", "0.1.0", True),
        ("0.2", "a build of one's own", True),
    ],
)
def test_a_node_is_taken_from_where_the_cluster_is_up_to_the_next_minor_release(
    reached: str, release: str, taken: bool
) -> None:
    why = releases.objection(reached, release)

    assert (why == "") is taken
    assert taken or (reached in why and release in why)


def test_a_new_cluster_is_at_the_release_of_its_first_node() -> None:
    assert cluster("0.2.1").release == "0.2"


def test_the_release_is_raised_once_the_last_node_has_come_back_with_it() -> None:
    """A node that is down counts with what it ran last: it comes back with its log and its state."""
    known = cluster("0.1.0", "0.1.0", "0.1.0")
    for number in (1, 2):
        known = transitions.enter(known, of(number, "0.2.0"))
        assert transitions.raise_release(known) is known
    known = transitions.enter(known, of(3, "0.2.0"))

    raised = transitions.raise_release(known)

    assert (raised.release, raised.epoch) == ("0.2", known.epoch + 1)
    assert transitions.raise_release(raised) is raised


def test_as_long_as_one_node_is_of_the_release_before_any_may_go_back_to_it() -> None:
    known = cluster("0.1.0", "0.1.0", "0.1.0")
    known = transitions.raise_release(transitions.enter(known, of(1, "0.2.0")))

    back = transitions.enter(known, of(1, "0.1.0"))

    assert [one.version for one in back.nodes] == ["0.1.0"] * 3


def test_when_all_have_gone_on_none_goes_back_and_both_releases_are_named() -> None:
    known = cluster("0.2.0", "0.2.0", "0.2.0")

    said = refused(ErrorCode.VERSION_UNSUPPORTED, lambda: transitions.enter(known, of(2, "0.1.4")))

    assert "n002" in said
    assert "0.1.4" in said
    assert "0.2" in said


def test_a_release_that_is_newer_by_two_is_refused_too() -> None:
    known = cluster("0.2.0", "0.2.0")

    assert "0.4.0" in refused(ErrorCode.VERSION_UNSUPPORTED, lambda: transitions.enter(known, of(2, "0.4.0")))


def test_what_is_noted_is_never_lowered() -> None:
    known = replace(cluster("0.2.0"), nodes=(of(1, "0.1.0"),))

    assert transitions.raise_release(known).release == "0.2"


def test_a_topology_of_a_release_that_did_not_note_it_is_read_and_brought_up_to_date() -> None:
    stored = msgspec.json.decode(topologies.encode(cluster("0.1.0", "0.1.0")))
    del stored["release"]

    known = topologies.decode(msgspec.json.encode(stored))

    assert known.release == ""
    assert transitions.raise_release(known).release == "0.1"


def test_what_a_later_release_notes_beside_it_is_passed_over() -> None:
    known = cluster("0.1.0", "0.1.0")
    stored = msgspec.json.decode(topologies.encode(known))
    stored["later"] = {"a": 1}
    stored["nodes"][0]["later"] = [1]

    assert topologies.decode(msgspec.json.encode(stored)) == known


def test_who_does_not_know_of_it_and_writes_the_topology_without_it_does_not_lower_it() -> None:
    fence = Fence()
    known = cluster("0.2.0", "0.2.0")
    fence.admit(topologies.encode(known))
    written = msgspec.json.decode(topologies.encode(replace(known, epoch=known.epoch + 1)))
    del written["release"]

    shown = fence.admit(msgspec.json.encode(written))

    assert shown is not None
    assert (shown.epoch, shown.release) == (known.epoch + 1, "0.2")
    assert fence.admit(msgspec.json.encode(written)) == shown
