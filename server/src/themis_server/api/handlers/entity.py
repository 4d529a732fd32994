"""GET, HEAD, PUT, PATCH, DELETE /entity/{urn}."""

from __future__ import annotations

from collections.abc import Mapping

from themis_server.api.answer import Answer
from themis_server.api.call import Call
from themis_server.api.codec import DocumentRules, check_document, parse_if_match, parse_if_none_match
from themis_server.api.consistency import AnsweredError, consistency_of, head_of, head_of_write
from themis_server.api.routes import Handler
from themis_server.errors import ErrorCode, ThemisServerError, entity_not_found
from themis_server.gateway.entities import Entities, Written
from themis_server.gateway.writing import ABSENT, PRESENT
from themis_server.shard.reading import STRONG
from themis_server.statemachine.command import WriteOp
from themis_server.storage import values


class EntityHandlers:
    """Serves single entities."""

    def __init__(self, entities: Entities, rules: DocumentRules) -> None:
        self._entities = entities
        self._rules = rules

    def handlers(self) -> Mapping[str, Handler]:
        """Return operationId -> handler."""
        return {
            "getEntity": self.get,
            "headEntity": self.get,
            "putEntity": self.put,
            "patchEntity": self.patch,
            "deleteEntity": self.delete,
        }

    async def get(self, call: Call) -> Answer:
        """Answer the document as it is stored.

        A HEAD is answered the same, and the body left out when it is written.
        """
        consistency = consistency_of(call, call.query())
        prefix, uuid = call.urn()
        found = self._entities.read_here(prefix, uuid) if consistency is STRONG else None
        if found is None:
            found = await self._entities.read(prefix, uuid, consistency)
        stored = found.stored
        if stored is None:
            raise AnsweredError(entity_not_found(prefix + uuid), head_of(found.served))
        version = values.version_of(stored)
        head = f'ETag: "{version}"\r\nCache-Control: {found.collection.cache_control}\r\n{head_of(found.served)}'
        condition = call.header_list("If-None-Match")
        if condition is not None:
            versions = parse_if_none_match(condition)
            if versions is None or version in versions:
                return Answer(304, head=head)
        return Answer(200, values.document_of(stored), head)

    async def put(self, call: Call) -> Answer:
        """Create or replace an entity."""
        prefix, uuid, expect, key = self._write_call(call)
        document = await call.body()
        check_document(document, self._rules)
        written = await self._entities.write(WriteOp.PUT, prefix, uuid, document, expect, key)
        return _written(written, prefix + uuid, 201 if written.created else 200)

    async def patch(self, call: Call) -> Answer:
        """Merge a patch (RFC 7396) into an entity."""
        prefix, uuid, expect, key = self._write_call(call)
        document = await call.body()
        check_document(document, self._rules, patch=True)
        written = await self._entities.write(WriteOp.PATCH, prefix, uuid, document, expect, key)
        return _written(written, prefix + uuid, 200)

    async def delete(self, call: Call) -> Answer:
        """Delete an entity."""
        prefix, uuid, expect, key = self._write_call(call)
        written = await self._entities.write(WriteOp.DELETE, prefix, uuid, b"", expect, key)
        return _written(written, prefix + uuid, 200)

    @staticmethod
    def _write_call(call: Call) -> tuple[str, str, tuple[int, ...] | None, str | None]:
        call.query()
        prefix, uuid = call.urn()
        return prefix, uuid, _expectation(call), call.idempotency_key()


def _expectation(call: Call) -> tuple[int, ...] | None:
    """Return the versions that a write's conditions allow (see statemachine.command.Write)."""
    if_match = call.header_list("If-Match")
    if_none_match = call.header_list("If-None-Match")
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise ThemisServerError(
                ErrorCode.INVALID_HEADER,
                'on a write, If-None-Match takes only "*": the entity must not exist',
                parameter="If-None-Match",
            )
        if if_match is not None:
            raise ThemisServerError(
                ErrorCode.INVALID_HEADER, "If-Match and If-None-Match exclude each other", parameter="If-None-Match"
            )
        return ABSENT
    if if_match is None:
        return None
    return parse_if_match(if_match) or PRESENT


def _written(written: Written, urn: str, status: int) -> Answer:
    head = f'ETag: "{written.version}"\r\n{head_of_write(written.served)}'
    if written.replayed:
        head += "Idempotency-Replayed: true\r\n"
    return Answer(status, f'{{"urn":"{urn}","version":{written.version}}}'.encode(), head)
