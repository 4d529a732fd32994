"""What every kind of write shares: preconditions, idempotency, and what an outcome means to the caller."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from themis_server.clock import Clock
from themis_server.errors import (
    ErrorCode,
    ThemisServerError,
    collection_not_found,
    entity_not_found,
    precondition_failed,
)
from themis_server.gateway.shards import Shards
from themis_server.metadata.catalog import Collection
from themis_server.statemachine.command import KeyReused, Mutate, Mutated, Outcome, Status, Write

ABSENT = (0,)
"""The precondition "must not exist"."""
PRESENT = (-1,)
"""The precondition "must exist"."""

_DIGEST_BYTES = 16
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class WriteLimits:
    """What bounds a write beyond its own request."""

    document_bytes_max: int
    idempotency_retention_ms: int
    idempotency_records_max: int


class Writer:
    """Turns writes into commands and brings them to their shards."""

    def __init__(self, shards: Shards, clock: Clock, limits: WriteLimits) -> None:
        self._shards = shards
        self._clock = clock
        self.limits = limits

    def command(self, writes: tuple[Write, ...], key: str | None, part: int = 0) -> Mutate:
        """Return the command of writes to one shard. `part` tells the parts of one request under a key apart."""
        limits = self.limits
        if key is None:
            return Mutate(writes, limits.document_bytes_max)
        return Mutate(
            writes,
            limits.document_bytes_max,
            digest(key, part),
            fingerprint(writes),
            self._clock.unix_ms() + limits.idempotency_retention_ms,
            limits.idempotency_records_max,
        )

    async def mutate(self, shard_id: str, writes: tuple[Write, ...], key: str | None) -> tuple[Mutated, str]:
        """Write to one shard, with an idempotency `key` at most once; return the outcomes and the node that led."""
        result, node_id = await self._shards.mutate(shard_id, self.command(writes, key))
        if isinstance(result, KeyReused):
            raise key_reused()
        return result, node_id


def digest(key: str, part: int = 0) -> bytes:
    """Return what an idempotency key, or one part of a request under it, is remembered by."""
    return blake2b(b"%d:%s" % (part, key.encode()), digest_size=_DIGEST_BYTES).digest()


def fingerprint(writes: tuple[Write, ...]) -> bytes:
    """Return what tells a repeated request from another one under the same key."""
    return blake2b(_encode(writes), digest_size=_DIGEST_BYTES).digest()


def key_reused() -> ThemisServerError:
    """Return the error of an idempotency key that another request has used."""
    return ThemisServerError(ErrorCode.IDEMPOTENCY_KEY_REUSED, "the Idempotency-Key was used by a different request")


def outcome_error(outcome: Outcome, collection: Collection, urn: str, limits: WriteLimits) -> ThemisServerError | None:
    """Return what an outcome means as an error; None if the write was made."""
    status = outcome.status
    if status <= Status.DELETED:
        return None
    if status == Status.PRECONDITION_FAILED:
        return precondition_failed(outcome.version or None)
    if status == Status.NOT_FOUND:
        return entity_not_found(urn)
    if status == Status.COLLECTION_DROPPED:
        return collection_not_found(collection.namespace, collection.name)
    if status == Status.DOCUMENT_TOO_LARGE:
        return ThemisServerError(
            ErrorCode.DOCUMENT_TOO_LARGE,
            "the patched document would be larger than a document may be",
            limit=limits.document_bytes_max,
            version=outcome.version,
        )
    raise AssertionError(f"the state machine answered an unknown status {status}")
