"""Sender and receiver over wires that lose, repeat, delay and damage: a content arrives as it was, or not at all."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.tests.unit.replication.snapshot.states import GROUP, content, fill, pinned
from themis_server.clock import ManualClock
from themis_server.replication.snapshot.manifest import Answer, encode
from themis_server.replication.snapshot.receiver import Receiver
from themis_server.replication.snapshot.recover import recover
from themis_server.replication.snapshot.sender import Sender
from themis_server.replication.snapshot.source import Source
from themis_server.replication.snapshot.staging import StagedSnapshot
from themis_server.storage import keys
from themis_server.storage.engine import ViewLost
from themis_server.storage.memory import MemoryEngine


class Wires:
    """A node that sends, one that receives, and what happens to requests between them."""

    def __init__(self, incoming_max: int = 4) -> None:
        self.sending, self.engine = MemoryEngine(), MemoryEngine()
        fill(self.sending)
        self.clock = ManualClock()
        self.delivered: list[StagedSnapshot] = []
        self.incoming_max = incoming_max
        self.pin = pinned(self.sending)
        self.requests: list[tuple[str, bytes]] = []
        self.restart()
        self.sender = self.new_sender()

    def new_sender(self) -> Sender:
        return Sender(Source(self.pin.view, self.pin.manifest, 400), b"message")

    def restart(self) -> None:
        """The receiving process starts again: it knows nothing, and what was here is gone."""
        self.engine.crash()
        recover(MemoryEngine(), self.engine)
        self.delivered.clear()
        self.receiver = Receiver(
            self.engine, self.clock, lambda *arrived: self.delivered.append(arrived[3]), incoming_max=self.incoming_max
        )

    def step(self, fate: str = "arrives") -> None:
        verb, payload = self.sender.request()
        self.requests.append((verb, payload))
        if fate == "request lost":
            self.sender.lost()
            return
        if fate == "damaged" and verb == "chunk":
            payload = payload[:-1] + bytes([payload[-1] ^ 1])
        answer = self.receiver.handle(verb, 1, payload)
        if fate == "repeated":
            answer = self.receiver.handle(verb, 1, payload)
        if fate == "answer lost":
            self.sender.lost()
        else:
            self.sender.answered(answer)

    def run(self) -> None:
        for _ in range(1000):
            if self.sender.ended:
                return
            self.step()
        raise AssertionError("it never ends")

    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.requests]

    def arrived(self) -> dict[bytes, bytes]:
        for staged in self.delivered:
            for _ in self.engine.replace(keys.group_ranges(GROUP), staged.load):
                pass
        return content(self.engine, GROUP)


def test_a_content_arrives_in_order_and_ends_with_the_raft_message() -> None:
    wires = Wires()

    wires.run()

    assert wires.sender.succeeded
    assert wires.arrived() == content(wires.sending, GROUP)
    verbs = wires.verbs()
    assert (verbs[0], set(verbs[1:-1]), verbs[-1]) == ("begin", {"chunk"}, "end")
    assert wires.sender.progress == len(verbs) - 2


@pytest.mark.parametrize("fate", ["request lost", "answer lost"])
@pytest.mark.parametrize("at", [0, 1, 5, "end"])
def test_after_a_break_nothing_that_arrived_is_sent_again(fate: str, at: int | str) -> None:
    wires = Wires()
    whole = Wires()
    whole.run()
    breaks_at = len(whole.requests) - 1 if at == "end" else at
    for _ in range(int(breaks_at)):
        wires.step()

    wires.step(fate)
    wires.run()

    assert wires.sender.succeeded
    assert wires.arrived() == content(wires.sending, GROUP)
    chunks = [payload for verb, payload in wires.requests if verb == "chunk"]
    lost_chunk = fate == "request lost" and wires.requests[int(breaks_at)][0] == "chunk"
    assert len(chunks) - len(set(chunks)) == int(lost_chunk)
    assert wires.verbs()[int(breaks_at) + 1] == ("end" if at == "end" else "begin")
    assert len(wires.delivered) == 1


@settings(max_examples=200)
@given(st.randoms(use_true_random=False))
def test_whatever_happens_on_the_way_what_arrives_is_what_was_sent(chance: random.Random) -> None:
    wires = Wires()
    fates = ["request lost", "answer lost", "repeated", "damaged", *["arrives"] * 6]
    for _ in range(200):
        if wires.sender.ended:
            break
        if chance.random() < 0.01:
            wires.restart()
        wires.step(chance.choice(fates))
    else:
        wires.run()

    assert wires.delivered if wires.sender.succeeded else wires.sender.failure in ("damaged", "unknown")
    if wires.delivered:
        assert wires.arrived() == content(wires.sending, GROUP)


def test_a_receiver_that_lost_everything_is_sent_everything_again() -> None:
    wires = Wires()
    for _ in range(5):
        wires.step()

    wires.restart()
    wires.run()

    assert wires.sender.succeeded
    assert wires.arrived() == content(wires.sending, GROUP)


def test_a_second_sender_of_the_same_content_goes_on_where_the_first_one_ended() -> None:
    wires = Wires()
    for _ in range(5):
        wires.step()
    sent = [payload for verb, payload in wires.requests if verb == "chunk"]

    wires.sender = wires.new_sender()
    wires.run()

    assert wires.sender.succeeded
    assert wires.arrived() == content(wires.sending, GROUP)
    later = [payload for verb, payload in wires.requests[5:] if verb == "chunk"]
    assert not set(sent) & set(later)


def test_who_must_wait_asks_again_and_has_not_failed() -> None:
    wires = Wires(incoming_max=0)
    verb, payload = wires.sender.request()

    why = wires.sender.answered(wires.receiver.handle(verb, 1, payload))

    assert why
    assert not wires.sender.ended
    assert wires.sender.request() == (verb, payload)


def test_damage_again_and_again_is_a_failure() -> None:
    wires = Wires()
    wires.step()

    for _ in range(20):
        if not wires.sender.ended:
            wires.step("damaged")

    assert wires.sender.failure == "damaged"


@pytest.mark.parametrize("refusal", ["superseded", "no_space", "unwanted", "format", "of a later release"])
def test_any_other_refusal_is_final(refusal: str) -> None:
    wires = Wires()
    wires.step()
    wires.sender.request()

    wires.sender.answered(encode(Answer(0, refusal)))

    assert (wires.sender.failure, wires.sender.ended, wires.sender.succeeded) == (refusal, True, False)


def test_an_answer_that_makes_no_sense_is_a_failure() -> None:
    wires = Wires()
    wires.sender.request()

    wires.sender.answered(b"\xc1")

    assert "does not decode" in wires.sender.failure


def test_a_receiver_that_claims_too_much_gets_an_end_that_does_not_fit() -> None:
    wires = Wires()
    wires.step()
    wires.sender.request()
    wires.sender.answered(encode(Answer(1 << 40)))

    verb, payload = wires.sender.request()

    assert verb == "end"
    wires.sender.answered(wires.receiver.handle(verb, 1, payload))
    assert wires.delivered == []


def test_a_view_that_is_lost_is_said_to_whoever_leads_the_sender() -> None:
    wires = Wires()
    wires.step()
    wires.pin.view.release()

    with pytest.raises(ViewLost):
        wires.sender.request()
