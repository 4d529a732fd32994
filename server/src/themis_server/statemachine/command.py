"""What a log entry says.

An entry's payload is MessagePack of `Entry`: the leader's clock reading and the commands proposed together. Structs are
arrays on the wire; a field is only ever appended, with a default, so that older entries stay readable. `FORMAT` is
the first byte of every payload and changes only if that is not enough.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import msgspec

FORMAT = b"\x01"


class WriteOp(IntEnum):
    """What a write does to one entity."""

    PUT = 0
    PATCH = 1
    DELETE = 2


class Write(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One write to one entity.

    `expect` is the precondition on the current version: None for none; otherwise the current version must be among
    the numbers, where 0 stands for "does not exist" and -1 for "exists, in whatever version". `document` is JSON: the
    new document of a put, the merge patch (RFC 7396) of a patch, empty for a delete.
    """

    op: int
    collection: int
    uuid: bytes
    document: bytes
    expect: tuple[int, ...] | None = None
    emit_event: bool = True


class Mutate(msgspec.Struct, array_like=True, frozen=True, tag="m"):
    """Writes to entities of one shard, each succeeding or failing by itself, all in one atomic write.

    With a `digest` (16 bytes, from the caller and its idempotency key) the outcomes are remembered until `expires_ms`
    (Unix time), and the same digest answers them again without writing; `fingerprint` tells a repeated request from
    another one under the same key. `document_bytes_max` bounds what a patch may grow a document to.
    """

    writes: tuple[Write, ...]
    document_bytes_max: int
    digest: bytes = b""
    fingerprint: bytes = b""
    expires_ms: int = 0
    records_max: int = 100_000


class DropCollection(msgspec.Struct, array_like=True, frozen=True, tag="d"):
    """Remove every entity of a collection from the shard, and refuse later writes to it."""

    collection: int


class Compare(msgspec.Struct, array_like=True, frozen=True):
    """A condition of a metadata transaction.

    The key was last modified at `revision`; 0 means that it does not exist.
    """

    key: str
    revision: int


class MetadataOp(msgspec.Struct, array_like=True, frozen=True):
    """A change of one metadata key.

    Set to `value`, or removed when None. A `lease` (0 for none) removes it when it ends.
    """

    key: str
    value: bytes | None
    lease: int = 0


class MetadataTransaction(msgspec.Struct, array_like=True, frozen=True, tag="t"):
    """All of `ops` if all of `compares` hold, else nothing."""

    compares: tuple[Compare, ...]
    ops: tuple[MetadataOp, ...]


class LeaseGrant(msgspec.Struct, array_like=True, frozen=True, tag="g"):
    """Start a lease, or keep it alive: it ends `ttl_ms` after the entry's time. A `lease` of 0 asks for a new one."""

    lease: int
    ttl_ms: int


class LeaseEnd(msgspec.Struct, array_like=True, frozen=True, tag="e"):
    """End a lease and remove its keys; with `only_if_expired` just when its time has passed at the entry's time."""

    lease: int
    only_if_expired: bool = False


Command = Mutate | DropCollection | MetadataTransaction | LeaseGrant | LeaseEnd


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """The payload of one log entry.

    The leader's clock as a version, and commands in the order in which they were proposed.
    """

    proposed: int
    commands: tuple[Command, ...]


class _EncodedEntry(msgspec.Struct, array_like=True, frozen=True):
    proposed: int
    commands: list[msgspec.Raw]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


class UnreadableEntry(Exception):
    """A committed entry does not decode: damage, or a format newer than this program."""


def encode_command(command: Command) -> bytes:
    """Return a command as it stands in an entry."""
    return _encoder.encode(command)


def encode_entry(proposed: int, commands: list[bytes]) -> bytes:
    """Return the payload of an entry that carries encoded `commands`."""
    return FORMAT + _encoder.encode(_EncodedEntry(proposed, [msgspec.Raw(command) for command in commands]))


def decode_entry(payload: bytes) -> Entry:
    """Return what an entry says; raises `UnreadableEntry`."""
    if payload[:1] != FORMAT:
        raise UnreadableEntry(f"the entry has format {payload[:1].hex() or 'none'}, this program reads {FORMAT.hex()}")
    try:
        return _decoder.decode(memoryview(payload)[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableEntry(f"the entry does not decode: {error}") from error


class Status(IntEnum):
    """How one write ended. The numbers are stored with idempotency records: never renumber."""

    CREATED = 0
    REPLACED = 1
    DELETED = 2
    PRECONDITION_FAILED = 3
    NOT_FOUND = 4
    COLLECTION_DROPPED = 5
    DOCUMENT_TOO_LARGE = 6


class Outcome(NamedTuple):
    """The end of one write: its status, and the entity's version after it (0 when there is none)."""

    status: int
    version: int


class Mutated(NamedTuple):
    """The answer to a `Mutate`: an outcome per write, and whether they were remembered from an earlier request."""

    outcomes: tuple[Outcome, ...]
    replayed: bool = False


class KeyReused(NamedTuple):
    """The answer to a `Mutate` whose idempotency key an earlier, different request has used."""


class Transacted(NamedTuple):
    """The answer to a metadata command: whether its conditions held, and the revision after it."""

    succeeded: bool
    revision: int
    lease: int = 0


Result = Mutated | KeyReused | Transacted
