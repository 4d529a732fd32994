"""What nodes say to each other: round trips, and bytes that no node would send."""

from __future__ import annotations

import random

import msgspec
import pytest

import themis_raft
from themis_server.peer.frames import MalformedFrame
from themis_server.replication.envelope import (
    BEAT,
    Answered,
    Asked,
    Envelope,
    Kind,
    Mail,
    MalformedEnvelope,
    Polled,
    Voted,
    decode,
    encode,
    kind_of,
)

FULL = Envelope(
    messages=[(1, [b"a", b"b"]), (2, [b"c"])],
    quiesce=[(3, 7, 100)],
    led=[(1, 7)],
    wake=[4],
    gone=[(5, 7, 9)],
    trimmed=[(6, 50)],
    lost=[7],
    polls=[Polled(11, 1, True, [(1, 7), (2, 8)])],
    votes=[Voted(12, 2, [1])],
    asks=[Asked(11, 3, [1, 2])],
    proofs=[Answered(12, 4, [(1, 100)], [2])],
)


def test_what_is_encoded_is_decoded() -> None:
    assert decode(encode(FULL)) == FULL
    assert decode(BEAT) == Envelope()


def test_a_beat_is_a_few_bytes() -> None:
    assert len(BEAT) <= 16


def test_fields_of_a_later_release_are_passed_over_and_missing_ones_are_empty() -> None:
    longer = b"\x01" + msgspec.msgpack.encode([[(1, [b"a"])], [], None, *[[]] * 8, [1, 2], "new"])
    shorter = b"\x01" + msgspec.msgpack.encode([[(1, [b"a"])]])

    assert decode(longer) == decode(shorter) == Envelope([(1, [b"a"])])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x01",
        b"\x02" + encode(FULL)[1:],
        b"\x00",
        b"\x01\xc0",
        b"\x01\x91\xc0",
        b"\x01" + msgspec.msgpack.encode([[(1, ["text"])]]),
        b"\x01" + msgspec.msgpack.encode([[(1.5, [b"a"])]]),
        b"\x01" + msgspec.msgpack.encode([[(1, b"a")]]),
        b"\x01" + msgspec.msgpack.encode([[], [(1, 2)]]),
        b"\x01" + msgspec.msgpack.encode([[], [(1, 2, -3)]]),
        b"\x01" + msgspec.msgpack.encode([[], [(1, 2, 1 << 63)]]),
        encode(FULL) + b"\x00",
        encode(FULL)[:-1],
        b"\x01" + b"\x91" * 100_000,
    ],
)
def test_what_is_no_envelope_closes_its_stream(payload: bytes) -> None:
    with pytest.raises(MalformedEnvelope):
        decode(payload)
    assert issubclass(MalformedEnvelope, MalformedFrame)


def test_no_bytes_do_more_than_be_refused() -> None:
    drawn = random.Random(7)
    whole = encode(FULL)
    for _ in range(3000):
        garbled = bytearray(whole)
        for _ in range(drawn.randrange(1, 6)):
            garbled[drawn.randrange(len(garbled))] = drawn.randrange(256)
        try:
            decode(bytes(garbled[: drawn.randrange(len(garbled) + 1)]))
        except MalformedEnvelope:
            continue


def test_a_peer_gets_one_envelope_with_all_groups_in_it() -> None:
    mail = Mail()
    mail.to(2).add(1, b"a")
    mail.to(3).wake.append(9)
    mail.to(2).add(5, b"b")
    mail.to(2).add(1, b"c")

    sent = dict(mail.take())

    assert decode(sent[2]) == Envelope([(1, [b"a", b"c"]), (5, [b"b"])])
    assert decode(sent[3]) == Envelope(wake=[9])
    assert not mail
    assert mail.take() == []


def test_much_mail_goes_in_several_envelopes_in_its_order() -> None:
    mail = Mail()
    for number in range(10):
        mail.to(2).add(number % 2, bytes([number]) * (1 << 20))
    mail.to(2).wake.append(9)

    envelopes = [decode(envelope) for _, envelope in mail.take()]

    assert len(envelopes) == 3
    assert [envelope.wake for envelope in envelopes] == [[], [], [9]]
    for group in range(2):
        arrived = [m[0] for envelope in envelopes for g, messages in envelope.messages if g == group for m in messages]
        assert arrived == list(range(group, 10, 2))


def test_the_kind_of_a_message_is_what_the_core_says_it_is() -> None:
    group = themis_raft.Group(
        node_id=1,
        election_ticks=10,
        heartbeat_ticks=1,
        voters=[1, 2],
        snapshot_index=1,
        snapshot_term=1,
        applied=1,
        hard_state=(1, 0, 1),
    )
    group.campaign()
    ready = group.ready()
    ((_, asked),) = ready.persisted_messages

    assert kind_of(asked) == Kind.REQUEST_PRE_VOTE
    assert "PreVote" in themis_raft.describe_message(asked)
    assert kind_of(b"") == kind_of(b"\x08") == kind_of(b"\x10\x02") == 0
