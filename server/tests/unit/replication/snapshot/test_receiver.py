"""Who may send a snapshot here, and what is kept of it."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.tests.unit.replication.snapshot.states import GROUP, INDEX, fill, pinned
from themis_server.clock import ManualClock
from themis_server.replication.snapshot.manifest import (
    Answer,
    Begin,
    Chunk,
    End,
    Malformed,
    Manifest,
    decode_answer,
    encode,
)
from themis_server.replication.snapshot.pins import Pin
from themis_server.replication.snapshot.receiver import Receiver
from themis_server.replication.snapshot.source import Source
from themis_server.replication.snapshot.staging import StagedSnapshot
from themis_server.storage.memory import MemoryEngine


class Fixture:
    def __init__(self, incoming_max: int = 2) -> None:
        self.engine = MemoryEngine()
        self.clock = ManualClock()
        self.delivered: list[tuple[int, int, bytes, StagedSnapshot]] = []
        self.wanted = True
        self.has_room = True
        self.receiver = Receiver(
            self.engine,
            self.clock,
            lambda *arrived: self.delivered.append(arrived),
            incoming_max=incoming_max,
            idle_s=60,
            wanted=lambda _: self.wanted,
            room=lambda: self.has_room,
        )

    def begin(self, pin: Pin, sender: int = 1, **change: Any) -> Answer:
        manifest = msgspec.structs.replace(pin.manifest, **change)
        return decode_answer(self.receiver.handle("begin", sender, encode(Begin(encode(manifest)))))

    def say(self, request: Chunk | End, sender: int = 1) -> Answer:
        verb = "chunk" if isinstance(request, Chunk) else "end"
        return decode_answer(self.receiver.handle(verb, sender, encode(request)))


def sending(group: int = GROUP, *, index: int = INDEX, term: int = 2, name: str = "n1") -> tuple[Pin, Source]:
    engine = MemoryEngine()
    fill(engine, group, index=index, term=term)
    pin = pinned(engine, group, name=name)
    return pin, Source(pin.view, pin.manifest, 500)


def chunk_of(source: Source, number: int) -> Chunk:
    chunk = source.chunk(number)
    assert chunk is not None
    return chunk


def send_all(at: Fixture, source: Source, sender: int = 1) -> Answer:
    number = 0
    while (chunk := source.chunk(number)) is not None:
        number += 1
        assert at.say(chunk, sender) == Answer(number)
    return at.say(End(source.manifest.name, source.totals, b"raft message"), sender)


def test_what_arrived_whole_is_delivered_with_its_raft_message() -> None:
    at = Fixture()
    pin, source = sending()

    assert at.begin(pin) == Answer(0)
    answer = send_all(at, source)

    ((group, sender, message, staged),) = at.delivered
    assert (group, sender, message, staged.manifest) == (GROUP, 1, b"raft message", pin.manifest)
    assert answer == Answer(source.totals.chunks)
    assert (at.receiver.under_way, at.engine.bulk_loads()) == (0, {staged.load: True})


def test_after_a_break_the_sender_learns_where_to_go_on() -> None:
    at = Fixture()
    pin, source = sending()
    at.begin(pin)
    for number in range(3):
        at.say(chunk_of(source, number))

    assert at.begin(pin) == Answer(3)

    assert at.say(chunk_of(source, 3)) == Answer(4)


def test_an_end_whose_answer_was_lost_is_said_again_and_delivered_once() -> None:
    at = Fixture()
    pin, source = sending()
    at.begin(pin)
    answer = send_all(at, source)

    again = at.say(End(source.manifest.name, source.totals, b"raft message"))

    assert again == answer
    assert len(at.delivered) == 1


def test_chunks_of_what_was_never_begun_are_refused() -> None:
    at = Fixture()
    _, source = sending()

    assert at.say(chunk_of(source, 0)).refusal == "unknown"
    assert at.say(End("n1-1", source.totals, b"")).refusal == "unknown"


def test_nobody_goes_on_with_what_another_node_began() -> None:
    at = Fixture()
    pin, source = sending()
    at.begin(pin, sender=1)

    assert at.say(chunk_of(source, 0), sender=2).refusal == "unknown"
    assert at.say(chunk_of(source, 0), sender=1) == Answer(1)


@pytest.mark.parametrize(
    ("index", "term", "refusal"),
    [
        (INDEX, 2, ""),
        (INDEX + 1, 2, ""),
        (INDEX - 5, 3, ""),
        (INDEX - 1, 2, "superseded"),
        (INDEX + 9, 1, "superseded"),
    ],
)
def test_of_two_contents_of_a_group_the_later_state_wins(index: int, term: int, refusal: str) -> None:
    at = Fixture()
    first, source = sending()
    at.begin(first)
    at.say(chunk_of(source, 0))
    second, other = sending(index=index, term=term, name="n2")

    assert at.begin(second, sender=2).refusal == refusal

    assert at.say(chunk_of(source, 1)).refusal == ("" if refusal else "unknown")
    assert at.say(chunk_of(other, 0), sender=2).refusal == ("unknown" if refusal else "")
    assert len(at.engine.bulk_loads()) == 1


def test_no_more_than_so_many_at_once() -> None:
    at = Fixture(incoming_max=2)
    pins = [sending(group) for group in (1, 2, 3)]

    assert [at.begin(pin).refusal for pin, _ in pins] == ["", "", "busy"]

    send_all(at, pins[0][1])
    assert at.begin(pins[2][0]) == Answer(0)


def test_what_nothing_comes_of_any_more_is_removed() -> None:
    at = Fixture()
    (first, source), (second, _) = sending(1), sending(2)
    at.begin(first)
    at.begin(second)
    at.clock.advance(40)
    at.say(chunk_of(source, 0))
    at.clock.advance(40)

    at.receiver.expire()

    assert at.begin(first) == Answer(1)
    assert at.receiver.under_way == 1
    assert len(at.engine.bulk_loads()) == 1


def test_a_content_that_is_sent_for_another_raft_message_is_received_again() -> None:
    at = Fixture()
    pin, source = sending()
    at.begin(pin)
    send_all(at, source)

    assert at.say(End(source.manifest.name, source.totals, b"another message")).refusal == "unknown"
    assert at.begin(pin) == Answer(0)
    send_all(at, source)

    assert len(at.delivered) == 2
    first, second = [arrived[3].load for arrived in at.delivered]
    assert at.engine.bulk_loads() == {first: True, second: True}  # the first one may be being installed


def test_a_damaged_chunk_is_asked_for_again() -> None:
    at = Fixture()
    pin, source = sending()
    at.begin(pin)
    chunk = chunk_of(source, 0)

    assert at.say(msgspec.structs.replace(chunk, checksum=chunk.checksum ^ 1)) == Answer(0, "damaged")
    assert at.say(chunk) == Answer(1)


def test_an_end_that_does_not_fit_drops_everything() -> None:
    at = Fixture()
    pin, source = sending()
    at.begin(pin)
    at.say(chunk_of(source, 0))
    chunk_of(source, 1)

    assert at.say(End(source.manifest.name, source.totals, b"")).refusal == "damaged"

    assert (at.delivered, at.receiver.under_way, at.engine.bulk_loads()) == ([], 0, {})


@pytest.mark.parametrize("change", [{"format": 2}, {"kind": "metadata"}])
def test_a_form_of_snapshot_that_is_not_known_is_refused(change: dict[str, Any]) -> None:
    at = Fixture()
    pin, _ = sending()

    assert at.begin(pin, **change).refusal == "format"


def test_a_group_that_has_no_replica_here_is_not_received() -> None:
    at = Fixture()
    at.wanted = False
    pin, _ = sending()

    assert at.begin(pin).refusal == "unwanted"
    assert at.engine.bulk_loads() == {}


@pytest.mark.parametrize("when", ["begin", "chunk", "end"])
@pytest.mark.parametrize("how", ["measured", "found"])
def test_a_full_disk_ends_a_transfer_and_leaves_nothing(when: str, how: str) -> None:
    at = Fixture()
    pin, source = sending()

    def fill_disk() -> None:
        at.has_room, at.engine.full = how == "found", how == "found"

    if when == "begin":
        at.has_room = False
        assert at.begin(pin).refusal == "no_space"
    else:
        at.begin(pin)
        if when == "chunk":
            fill_disk()
            assert at.say(chunk_of(source, 0)).refusal == "no_space"
        else:
            number = 0
            while (chunk := source.chunk(number)) is not None:
                at.say(chunk)
                number += 1
            fill_disk()
            assert at.say(End(source.manifest.name, source.totals, b"")).refusal == "no_space"

    assert (at.delivered, at.receiver.under_way, at.engine.bulk_loads()) == ([], 0, {})


def test_a_group_that_leaves_takes_what_was_coming_for_it() -> None:
    at = Fixture()
    pin, _ = sending()
    at.begin(pin)

    at.receiver.forget(GROUP)
    at.receiver.forget(99)

    assert (at.receiver.under_way, at.engine.bulk_loads()) == (0, {})


def test_a_node_that_stops_leaves_nothing_half_received() -> None:
    at = Fixture()
    for group in (1, 2):
        at.begin(sending(group)[0])

    at.receiver.abandon()

    assert at.engine.bulk_loads() == {}


@pytest.mark.parametrize("name", ["../../raft", "", "a/b", "A", "x" * 65, "a\x00", "a.b", "\n"])
def test_a_name_that_could_lead_out_of_its_directory_is_none(name: str) -> None:
    at = Fixture()
    manifest = encode(Manifest(1, GROUP, 5, 1, "data", name))

    with pytest.raises(Malformed):
        at.receiver.handle("begin", 1, encode(Begin(manifest)))


@given(st.sampled_from(["begin", "chunk", "end", "other"]), st.binary(max_size=60))
def test_bytes_that_say_nothing_are_malformed_and_change_nothing(verb: str, payload: bytes) -> None:
    at = Fixture()

    with contextlib.suppress(Malformed):
        at.receiver.handle(verb, 1, payload)

    assert at.receiver.under_way == 0
