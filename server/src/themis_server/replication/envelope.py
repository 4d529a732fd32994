"""What one node says to another in one go: the Raft messages of all groups, and what nodes tell each other beside Raft.

    byte 0   version of the format
    rest     msgpack array, the fields of `Envelope` in their order

An envelope that holds nothing is a beat: it says "I am alive" for every group that sleeps. Fields may be added at the
end; a reader of this version ignores what it does not know, and a writer of an older one leaves them out.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec

from themis_server.peer.frames import MalformedFrame

VERSION: Final = 1
_PREFIX: Final = bytes([VERSION])


class MalformedEnvelope(MalformedFrame):
    """The bytes are no envelope of a version that this node understands. The stream they came on is to be closed."""


_Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 60)]


class Polled(msgspec.Struct, array_like=True, frozen=True):
    """A round of leadership: does the receiver agree that the sender leads these groups? (See `rounds`.)"""

    incarnation: _Number
    """Of the sender, whose rounds are numbered anew in each run."""
    number: _Number
    hold: bool
    """Who agrees shall also take part in no election for a while, as after a heartbeat."""
    groups: list[tuple[_Number, _Number]]
    """(group, term) in which the sender leads it."""


class Voted(msgspec.Struct, array_like=True, frozen=True):
    """The answer to a `Polled`."""

    incarnation: _Number
    """Of the node that asked."""
    number: _Number
    against: list[_Number]
    """Groups for which the sender does not agree; it does for all others that it was asked for."""


class Asked(msgspec.Struct, array_like=True, frozen=True):
    """A follower's request: up to which index must its replicas have applied to be current?"""

    incarnation: _Number
    """Of the sender, whose requests are numbered anew in each run."""
    token: _Number
    groups: list[_Number]


class Answered(msgspec.Struct, array_like=True, frozen=True):
    """An answer to an `Asked`; there may be several, each for some of the groups."""

    incarnation: _Number
    """Of the node that asked."""
    token: _Number
    indexes: list[tuple[_Number, _Number]]
    """(group, index): who has applied this has everything that was acknowledged before the request was made."""
    refused: list[_Number]
    """Groups that the sender does not lead."""


class Envelope(msgspec.Struct, array_like=True, frozen=True):
    """The content of an envelope."""

    messages: list[tuple[_Number, list[bytes]]] = []
    """(group, encoded Raft messages), in the order in which they were made."""
    quiesce: list[tuple[_Number, _Number, _Number]] = []
    """(group, term, commit): the sender leads it, everybody has everything up to commit, and its clock stands now."""
    led: list[tuple[_Number, _Number]] | None = None
    """(group, term) of every group that the sender leads; None: as last said."""
    wake: list[_Number] = []
    """Groups whose leader the receiver should be, and of which the sender hears nothing."""
    gone: list[tuple[_Number, _Number, _Number]] = []
    """(group, term, index): as of this committed entry the receiver is no member of the group."""
    trimmed: list[tuple[_Number, _Number]] = []
    """(group, index): the leader has forgotten its log up to there, since nobody is to be sent that any more."""
    lost: list[_Number] = []
    """Groups of which the sender has nothing, although the receiver, their leader, believes that it has."""
    polls: list[Polled] = []
    votes: list[Voted] = []
    asks: list[Asked] = []
    proofs: list[Answered] = []


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Envelope)

BEAT: Final = _PREFIX + _encoder.encode(Envelope())


def encode(envelope: Envelope) -> bytes:
    """Return the bytes of an envelope."""
    return _PREFIX + _encoder.encode(envelope)


def decode(payload: bytes) -> Envelope:
    """Return the content of an envelope; raises `MalformedEnvelope`."""
    if payload[:1] != _PREFIX:
        raise MalformedEnvelope(f"an envelope of version {payload[0] if payload else 'none'}, not {VERSION}")
    try:
        return _decoder.decode(memoryview(payload)[1:])
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedEnvelope(str(error)) from None


ENVELOPE_BYTES: Final = 4 << 20
"""An envelope is closed when its messages have reached this size, so that no frame grows beyond what is taken."""


class Mail:
    """Collects what is to be said to each peer until it is sent."""

    __slots__ = ("_peers",)

    def __init__(self) -> None:
        self._peers: dict[int, _Sheet] = {}

    def __bool__(self) -> bool:
        return bool(self._peers)

    def to(self, peer: int) -> _Sheet:
        """Return what `peer` will be told, to be added to."""
        sheet = self._peers.get(peer)
        if sheet is None:
            sheet = self._peers[peer] = _Sheet()
        return sheet

    def take(self) -> list[tuple[int, bytes]]:
        """Return the encoded envelopes for each peer that has any coming, mostly one, and begin anew."""
        sheets, self._peers = self._peers, {}
        return [(peer, envelope) for peer, sheet in sheets.items() for envelope in sheet.encoded()]


class _Sheet:
    __slots__ = (
        "_full",
        "_size",
        "asks",
        "gone",
        "led",
        "lost",
        "messages",
        "polls",
        "proofs",
        "quiesce",
        "trimmed",
        "votes",
        "wake",
    )

    def __init__(self) -> None:
        self.messages: dict[int, list[bytes]] = {}
        self.quiesce: list[tuple[int, int, int]] = []
        self.led: list[tuple[int, int]] | None = None
        self.wake: list[int] = []
        self.gone: list[tuple[int, int, int]] = []
        self.trimmed: list[tuple[int, int]] = []
        self.lost: list[int] = []
        self.polls: list[Polled] = []
        self.votes: list[Voted] = []
        self.asks: list[Asked] = []
        self.proofs: list[Answered] = []
        self._full: list[bytes] = []
        self._size = 0

    def add(self, group: int, message: bytes) -> None:
        if self._size + len(message) > ENVELOPE_BYTES and self.messages:
            self._full.append(encode(Envelope(list(self.messages.items()))))
            self.messages = {}
            self._size = 0
        self._size += len(message)
        queued = self.messages.get(group)
        if queued is None:
            self.messages[group] = [message]
        else:
            queued.append(message)

    def encoded(self) -> list[bytes]:
        messages = list(self.messages.items())
        last = Envelope(
            messages,
            self.quiesce,
            self.led,
            self.wake,
            self.gone,
            self.trimmed,
            self.lost,
            self.polls,
            self.votes,
            self.asks,
            self.proofs,
        )
        return [*self._full, encode(last)]


class Kind:
    """The Raft messages that the driver must tell from others (eraftpb.MessageType)."""

    APPEND: Final = 3
    APPEND_RESPONSE: Final = 4
    REQUEST_VOTE: Final = 5
    SNAPSHOT: Final = 7
    HEARTBEAT: Final = 8
    HEARTBEAT_RESPONSE: Final = 9
    REQUEST_PRE_VOTE: Final = 17


_TYPE_FIELD: Final = 0x08


def kind_of(message: bytes) -> int:
    """Return the type of an encoded Raft message: the first field of its protobuf form; 0 if there is none."""
    return message[1] if len(message) > 1 and message[0] == _TYPE_FIELD else 0
