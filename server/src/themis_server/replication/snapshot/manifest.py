"""What two nodes say to each other about a snapshot, and what its Raft message carries.

MessagePack, structs as arrays; a field is only ever appended, with a default. What cannot be read is `Malformed`,
which ends a transfer and never a node.

    manifest    in the Raft message and in `begin`: which content
    begin       manifest                          -> how many chunks are here already
    chunk       number, checksum, pairs           -> how many chunks are here now
    end         totals, the Raft message          -> the same; the content is verified, and stays until Raft decides
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

FORMAT: Final = 1

Kind: TypeAlias = Literal["data", "metadata"]
Refusal: TypeAlias = Literal["", "busy", "unknown", "superseded", "damaged", "no_space", "unwanted", "format"]
"""Why a receiver does not go on; empty: it does.

busy: as many snapshots as may be are being received. unknown: it has none of that name under way. superseded: it
receives a newer one of the group. damaged: a checksum or the order was wrong. no_space: its disk is full. unwanted: it
has no replica of that group. format: it does not know this form of snapshots.
"""

_Index: TypeAlias = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
_Name: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-z-]{1,64}$")]
"""Part of a directory name at the receiver."""


class Malformed(Exception):
    """Bytes that say nothing in this language."""


class Manifest(msgspec.Struct, array_like=True, frozen=True):
    """Which state: of which group, as of which log entry, pinned as what."""

    format: int
    group: Annotated[int, Meta(ge=0, lt=1 << 16)]
    index: _Index
    """The last log entry whose effect is in it."""
    term: _Index
    """The term of that entry."""
    kind: Kind
    """Which machine it is the state of."""
    name: _Name
    """Tells it from every other content, also of the same entry: chunks of two are never mixed."""


class Totals(msgspec.Struct, array_like=True, frozen=True):
    """What a content amounts to; known when its last chunk was made."""

    chunks: int = 0
    pairs: int = 0
    size_bytes: int = 0
    """Of the encoded pairs."""
    checksum: int = 0
    """CRC-32 over all encoded pairs."""


class Begin(msgspec.Struct, array_like=True, frozen=True):
    """The first thing said, and again after each break: what comes, or goes on."""

    manifest: bytes


class Chunk(msgspec.Struct, array_like=True, frozen=True):
    """Consecutive pairs in key order."""

    name: _Name
    number: _Index
    checksum: int
    """CRC-32 of `pairs`."""
    pairs: bytes
    """Encoded `list[tuple[bytes, bytes]]`."""


class End(msgspec.Struct, array_like=True, frozen=True):
    """The last thing said."""

    name: _Name
    totals: Totals
    message: bytes
    """The Raft message, to be stepped together with the content."""


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """What the receiver says to each of them."""

    received: int = 0
    """Chunks that it has: the number of the next one it needs."""
    refusal: str = ""
    """One of `Refusal`, or of a newer release."""


Request = Begin | Chunk | End

_encoder = msgspec.msgpack.Encoder()
_manifest_decoder = msgspec.msgpack.Decoder(Manifest)
_answer_decoder = msgspec.msgpack.Decoder(Answer)
_pairs_decoder = msgspec.msgpack.Decoder(list[tuple[bytes, bytes]])
_begin_decoder = msgspec.msgpack.Decoder(Begin)
_chunk_decoder = msgspec.msgpack.Decoder(Chunk)
_end_decoder = msgspec.msgpack.Decoder(End)
_Decoded = TypeVar("_Decoded")


def encode(value: Manifest | Request | Answer | list[tuple[bytes, bytes]]) -> bytes:
    """Return anything of this module as it stands on the wire."""
    return _encoder.encode(value)


def decode_manifest(raw: bytes) -> Manifest:
    """Return a manifest; raises `Malformed`."""
    return _decoded(_manifest_decoder, raw)


def decode_request(verb: str, raw: bytes) -> Request:
    """Return what is said with `begin`, `chunk` or `end`; raises `Malformed`."""
    match verb:
        case "begin":
            return _decoded(_begin_decoder, raw)
        case "chunk":
            return _decoded(_chunk_decoder, raw)
        case "end":
            return _decoded(_end_decoder, raw)
    raise Malformed(f"{verb!r} is not said about snapshots")


def decode_answer(raw: bytes) -> Answer:
    """Return what a receiver said; raises `Malformed`."""
    return _decoded(_answer_decoder, raw)


def decode_pairs(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Return the pairs of a chunk; raises `Malformed`."""
    return _decoded(_pairs_decoder, raw)


def _decoded(decoder: msgspec.msgpack.Decoder[_Decoded], raw: bytes) -> _Decoded:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)) from error


def kind_of(group: int) -> Kind:
    """Return which machine a group has."""
    return "metadata" if group == 0 else "data"
