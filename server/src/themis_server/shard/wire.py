"""What nodes say to each other about shards: requests in parts, one for each shard, and an answer to each part.

MessagePack of structs that are arrays; a field is only ever appended, with a default. What comes from a peer is checked
here against limits and types before anything acts on it. A peer is a node of the cluster, but it may be of another
release, or broken, and what is proposed to a group is applied on every replica of it.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.shard.refusal import Reason, Refused

PLACE_BYTES: Final = 20
"""4 bytes of collection and 16 of uuid: how an entity is named between nodes, and the end of its key."""
PARTS_MAX: Final = 65_536
KEYS_MAX: Final = 100_000
PAGE_MAX: Final = 100_000
COLLECTIONS_MAX: Final = 65_536

_Group = Annotated[int, Meta(ge=1, le=0xFFFF)]
_Collection = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
_Count = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
_Uuid = Annotated[bytes, Meta(min_length=16, max_length=16)]
_Bytes = Annotated[int, Meta(ge=1, le=1 << 30)]

P = TypeVar("P")
R = TypeVar("R")


class Ask(msgspec.Struct, Generic[P], array_like=True, frozen=True):
    """A request to a node.

    `epoch` is that of the topology by which the parts were placed; `budget_ms` is how long the caller waits from now;
    `level` and `max_lag_ms` say how fresh reads must be (see shard.reading).
    """

    epoch: _Count
    budget_ms: Annotated[int, Meta(ge=0, le=3_600_000)]
    parts: Annotated[tuple[P, ...], Meta(max_length=PARTS_MAX)]
    level: Annotated[int, Meta(ge=0, le=2)] = 0
    max_lag_ms: _Count = 0
    bytes_max: _Bytes = 8 << 20
    """A read leaves out what would make its answer larger, and says so; it has at least one entity."""


class ReadPart(msgspec.Struct, array_like=True, frozen=True):
    """Entities of one shard: 20 bytes each, 4 of collection and 16 of uuid.

    `version` is what the caller has seen of the shard.
    """

    group: _Group
    version: _Count
    places: Annotated[bytes, Meta(min_length=PLACE_BYTES, max_length=PLACE_BYTES * KEYS_MAX)]

    def __post_init__(self) -> None:
        """Refuse half an entity (msgspec makes a ValidationError of it)."""
        if len(self.places) % PLACE_BYTES:
            raise ValueError(f"places have {PLACE_BYTES} bytes each, these are {len(self.places)}")


class PagePart(msgspec.Struct, array_like=True, frozen=True):
    """A piece of a collection in one shard, in uuid order: what follows `after`, `limit` entities at most."""

    group: _Group
    version: _Count
    collection: _Collection
    after: _Uuid | None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)]
    bytes_max: _Bytes


class CountPart(msgspec.Struct, array_like=True, frozen=True):
    """How many entities collections have in one shard."""

    group: _Group
    version: _Count
    collections: Annotated[tuple[_Collection, ...], Meta(max_length=COLLECTIONS_MAX)]


class MutatePart(msgspec.Struct, array_like=True, frozen=True):
    """Writes to one shard: an encoded statemachine.command.Mutate."""

    group: _Group
    command: bytes


class DropPart(msgspec.Struct, array_like=True, frozen=True):
    """Collections to be removed from one shard. Doing it twice is as good as once."""

    group: _Group
    collections: Annotated[tuple[_Collection, ...], Meta(max_length=COLLECTIONS_MAX)]


class ChangePart(msgspec.Struct, array_like=True, frozen=True):
    """An encoded command of the metadata; `group` is 0."""

    group: Annotated[int, Meta(ge=0, le=0)]
    command: bytes


class Failure(msgspec.Struct, array_like=True, frozen=True, tag="f"):
    """Why a part has no answer: an error, or (with a `reason`) a refusal, which another replica may do better."""

    code: str
    detail: str
    fields: dict[str, Any] = {}
    reason: str = ""
    leader: int = 0

    @classmethod
    def of(cls, error: ThemisServerError) -> Failure:
        """Make one of an error."""
        if isinstance(error, Refused):
            return cls(error.code, error.detail, error.fields, error.reason, error.leader)
        return cls(error.code, error.detail, error.fields)

    def error(self) -> ThemisServerError:
        """Return the error again. One of a later release that this one does not know is an internal one."""
        if self.reason:
            try:
                reason = Reason(self.reason)
            except ValueError:
                reason = Reason.BUSY
            return Refused(reason, self.detail, self.leader, **self.fields)
        try:
            code = ErrorCode(self.code)
        except ValueError:
            code = ErrorCode.INTERNAL
        return ThemisServerError(code, self.detail, **self.fields)


class Read(msgspec.Struct, array_like=True, frozen=True, tag="r"):
    """Stored forms in the order asked, None where there is nothing.

    Shorter than what was asked if the rest would have made the answer too large.
    """

    role: str
    lag_ms: int | None
    version: int
    values: list[bytes | None]
    dropped: tuple[int, ...] = ()
    """Of the collections of entities that are not there, those that were dropped: the asker's catalog may be old."""


class Paged(msgspec.Struct, array_like=True, frozen=True, tag="p"):
    """Pairs of (uuid, stored form), and whether there may be more."""

    role: str
    lag_ms: int | None
    version: int
    pairs: list[tuple[bytes, bytes]]
    more: bool


class Counted(msgspec.Struct, array_like=True, frozen=True, tag="c"):
    """A count for each collection asked."""

    role: str
    lag_ms: int | None
    version: int
    counts: list[int]


class Wrote(msgspec.Struct, array_like=True, frozen=True, tag="m"):
    """Outcomes of writes as (status, version); `reused`: another request has used the idempotency key."""

    outcomes: list[tuple[int, int]]
    replayed: bool = False
    reused: bool = False


class Dropped(msgspec.Struct, array_like=True, frozen=True, tag="d"):
    """The collections are gone from the shard."""


class Changed(msgspec.Struct, array_like=True, frozen=True, tag="t"):
    """The answer to a metadata command (see statemachine.command.Transacted)."""

    succeeded: bool
    revision: int
    lease: int = 0


class Answers(msgspec.Struct, Generic[R], array_like=True, frozen=True):
    """An answer to each part of a request, in order."""

    parts: list[R]


_encode = msgspec.msgpack.Encoder().encode


def encode(message: Ask[Any] | Answers[Any]) -> bytes:
    """Return a request or an answer as it is sent."""
    return _encode(message)
