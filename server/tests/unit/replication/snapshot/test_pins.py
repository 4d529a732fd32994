from __future__ import annotations

import pytest

from server.tests.unit.replication.snapshot.states import GROUP, INDEX, MEMBERS, TERM, fill
from themis_server.clock import ManualClock
from themis_server.replication.snapshot.manifest import FORMAT, Manifest, decode_manifest
from themis_server.replication.snapshot.pins import Pins
from themis_server.statemachine.machine import MachineState, save_state
from themis_server.storage.engine import Overlay
from themis_server.storage.memory import MemoryEngine


class Fixture:
    def __init__(self, pins_max: int = 2) -> None:
        self.engine = MemoryEngine()
        self.clock = ManualClock()
        self.pins = Pins(self.engine, self.clock, prefix="a1-0f", pins_max=pins_max, linger_s=10)
        fill(self.engine)


def test_a_pin_says_where_in_the_log_its_state_is() -> None:
    at = Fixture()

    provided = at.pins.request(GROUP, 1, b"")

    assert provided is not None
    assert (provided.index, provided.term, provided.conf_state) == (INDEX, TERM, MEMBERS)
    assert decode_manifest(provided.manifest) == Manifest(FORMAT, GROUP, INDEX, TERM, "data", "a1-0f-1")


def test_the_membership_that_the_log_begins_with_stands_in_for_one_never_changed() -> None:
    at = Fixture()
    overlay = Overlay(at.engine)
    save_state(overlay, 0, MachineState(7, 1))
    at.engine.write(overlay)

    provided = at.pins.request(0, 1, b"members")

    assert provided is not None
    assert provided.conf_state == b"members"
    assert decode_manifest(provided.manifest).kind == "metadata"


@pytest.mark.parametrize(("group", "lowest"), [(GROUP, INDEX + 1), (99, 0)])
def test_a_state_that_would_not_help_or_is_none_is_not_pinned(group: int, lowest: int) -> None:
    at = Fixture()

    assert at.pins.request(group, lowest, MEMBERS) is None

    assert (at.pins.held, at.engine.views_held) == (0, 0)


def test_replicas_that_ask_in_turn_share_a_pin_while_it_is_of_use() -> None:
    at = Fixture()
    first = at.pins.request(GROUP, 1, MEMBERS)
    fill(at.engine, index=INDEX + 5)

    assert at.pins.request(GROUP, INDEX, MEMBERS) == first
    later = at.pins.request(GROUP, INDEX + 1, MEMBERS)

    assert later is not None
    assert later.index == INDEX + 5
    assert at.engine.views_held == 1


def test_no_more_groups_are_pinned_than_may_be() -> None:
    at = Fixture(pins_max=1)
    fill(at.engine, 5)
    assert at.pins.request(GROUP, 1, MEMBERS) is not None

    assert at.pins.request(5, 1, MEMBERS) is None

    at.clock.advance(10)
    at.pins.expire()
    assert at.pins.request(5, 1, MEMBERS) is not None


def used(at: Fixture, group: int) -> bytes:
    """Pin a group, and be done with it."""
    provided = at.pins.request(group, 1, MEMBERS)
    assert provided is not None
    pin = at.pins.acquire(group, provided.manifest)
    assert pin is not None
    at.clock.advance(0.1)
    at.pins.done(pin)
    return provided.manifest


def test_of_those_that_only_linger_the_oldest_gives_way_at_once() -> None:
    at = Fixture(pins_max=2)
    for group in (4, 5, 6):
        fill(at.engine, group)
    first, second = used(at, 4), used(at, 5)

    assert at.pins.request(6, 1, MEMBERS) is not None

    assert (at.pins.offers(4, first), at.pins.offers(5, second)) == (False, True)
    assert at.pins.expire() == [(4, first)]
    assert at.engine.views_held == 2


def test_a_pin_in_use_or_about_to_be_does_not_give_way() -> None:
    at = Fixture(pins_max=2)
    fill(at.engine, 5)
    fill(at.engine, 6)
    provided = at.pins.request(5, 1, MEMBERS)
    assert provided is not None
    assert at.pins.acquire(5, provided.manifest) is not None
    assert at.pins.request(GROUP, 1, MEMBERS) is not None

    assert at.pins.request(6, 1, MEMBERS) is None

    at.clock.advance(1)  # nobody came for it
    assert at.pins.request(6, 1, MEMBERS) is not None
    assert at.pins.offers(5, provided.manifest)


def test_a_pin_that_nobody_sends_from_is_released_after_a_while_and_named() -> None:
    at = Fixture()
    provided = at.pins.request(GROUP, 1, MEMBERS)
    assert provided is not None
    at.clock.advance(9)
    assert at.pins.expire() == []

    at.clock.advance(1)

    assert at.pins.expire() == [(GROUP, provided.manifest)]
    assert at.pins.acquire(GROUP, provided.manifest) is None
    assert at.engine.views_held == 0


def test_a_pin_in_use_is_kept_however_long_and_a_while_after() -> None:
    at = Fixture()
    provided = at.pins.request(GROUP, 1, MEMBERS)
    assert provided is not None
    pin = at.pins.acquire(GROUP, provided.manifest)
    assert pin is not None
    at.clock.advance(1000)
    assert at.pins.expire() == []

    at.pins.done(pin)
    at.clock.advance(9)
    assert at.pins.expire() == []
    at.clock.advance(1)

    assert at.pins.expire() == [(GROUP, provided.manifest)]
    assert at.engine.views_held == 0


def test_a_pin_that_is_forgotten_in_use_is_readable_to_the_end_and_offered_no_more() -> None:
    at = Fixture()
    provided = at.pins.request(GROUP, 1, MEMBERS)
    assert provided is not None
    pin = at.pins.acquire(GROUP, provided.manifest)
    assert pin is not None

    assert at.pins.forget(GROUP) == [(GROUP, provided.manifest)]

    assert not at.pins.offers(GROUP, provided.manifest)
    assert pin.view.get(b"M" + GROUP.to_bytes(2)) is not None
    assert at.pins.held == 1
    at.pins.done(pin)
    assert (at.pins.held, at.engine.views_held) == (0, 0)


def test_two_contents_never_have_one_name() -> None:
    at = Fixture()
    names = set()
    for _ in range(3):
        provided = at.pins.request(GROUP, 1, MEMBERS)
        assert provided is not None
        names.add(decode_manifest(provided.manifest).name)
        at.pins.forget(GROUP)

    assert len(names) == 3


def test_everything_is_released_at_the_end() -> None:
    at = Fixture()
    provided = at.pins.request(GROUP, 1, MEMBERS)
    assert provided is not None
    pin = at.pins.acquire(GROUP, provided.manifest)
    assert pin is not None
    fill(at.engine, index=INDEX + 5)
    at.pins.request(GROUP, INDEX + 1, MEMBERS)
    assert at.engine.views_held == 2

    at.pins.release_all()

    assert at.engine.views_held == 0
    at.pins.done(pin)
