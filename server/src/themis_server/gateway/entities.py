"""Single entities: read one, write one."""

from __future__ import annotations

from typing import NamedTuple

from themis.urn import uuid_to_bytes
from themis_server.gateway.router import Router
from themis_server.gateway.writing import Writer, outcome_error
from themis_server.metadata.catalog import Collection
from themis_server.statemachine.command import Status, Write, WriteOp


class Written(NamedTuple):
    """A write that was made, now or (`replayed`) by an earlier request with the same idempotency key."""

    version: int
    created: bool
    replayed: bool


class Entities:
    """Reads and writes of one entity each."""

    def __init__(self, router: Router, writer: Writer) -> None:
        self._router = router
        self._writer = writer

    def read(self, prefix: str, uuid: str) -> tuple[Collection, bytes | None]:
        """Return an entity's collection and its stored form (see storage.values), None if there is no such entity."""
        router = self._router
        collection = router.collection(prefix)
        return collection, router.replica_of(uuid).get(collection.id, uuid_to_bytes(uuid))

    async def write(
        self, op: WriteOp, prefix: str, uuid: str, document: bytes, expect: tuple[int, ...] | None, key: str | None
    ) -> Written:
        """Write one entity.

        Args:
            op: what to do.
            prefix: the normalised text of the URN up to the uuid.
            uuid: its uuid in lower case.
            document: JSON: the document of a put, the merge patch of a patch; empty for a delete.
            expect: the versions one of which it must have now (see statemachine.command.Write); None for any.
            key: the idempotency key, if any.

        Raises:
            ThemisServerError: what the catalog, the router, the shard or the outcome says.
        """
        if op is WriteOp.PUT:
            collection, replica, raw_uuid = await self._router.locate_for_write(prefix, uuid)
        else:
            collection, replica, raw_uuid = self._router.locate(prefix, uuid)
        write = Write(op, collection.id, raw_uuid, document, expect, collection.record.options.change_feed)
        result = await self._writer.mutate(replica, (write,), key)
        outcome = result.outcomes[0]
        error = outcome_error(outcome, collection, prefix + uuid, self._writer.limits)
        if error is not None:
            error.replayed = result.replayed
            raise error
        return Written(outcome.version, outcome.status == Status.CREATED, result.replayed)
