"""POST /batch/get, /batch/put, /batch/delete."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from themis_server._generated.models import BatchDeleteRequest, BatchGetRequest, BatchPutRequest, PutItem
from themis_server.api.answer import Answer
from themis_server.api.call import Call
from themis_server.api.codec import DocumentRules, check_document, decode_body
from themis_server.api.consistency import consistency_of, head_of_many
from themis_server.api.problems import item_error
from themis_server.api.routes import Handler
from themis_server.config import Limits
from themis_server.errors import ErrorCode, ThemisServerError, too_many_items
from themis_server.gateway.batch import SLICE, Batches, ItemResult, WriteItem
from themis_server.statemachine.command import WriteOp
from themis_server.storage.values import HEADER_BYTES

_encode = msgspec.json.Encoder().encode
_get_decoder = msgspec.json.Decoder(BatchGetRequest)
_put_decoder = msgspec.json.Decoder(BatchPutRequest)
_delete_decoder = msgspec.json.Decoder(BatchDeleteRequest)


class BatchHandlers:
    """Serves batches."""

    def __init__(self, batches: Batches, rules: DocumentRules, limits: Limits) -> None:
        self._batches = batches
        self._rules = rules
        self._items_max = limits.batch_items_max
        self._document_bytes_max = limits.body_bytes_max
        self._response_bytes_max = limits.batch_response_bytes_max

    def handlers(self) -> Mapping[str, Handler]:
        """Return operationId -> handler."""
        return {"batchGet": self.get, "batchPut": self.put, "batchDelete": self.delete}

    async def get(self, call: Call) -> Answer:
        """Read many entities: their stored bytes are joined, nothing is parsed."""
        consistency = consistency_of(call, call.query())
        request = decode_body(_get_decoder, await call.body(), strict=self._rules.strict)
        self._check_count(request.urns)
        results, sources = await self._batches.read(request.urns, consistency)
        parts: list[bytes] = []
        size = 0
        for urn, stored, error in results:
            if error is not None:
                part = self._failed(urn, error, with_key=False)
            elif size + len(stored or b"") > self._response_bytes_max:
                part = self._failed(urn, self._response_full(), with_key=False)
            else:
                assert stored is not None
                part = b'{"urn":"%b","version":%d,"doc":%b}' % (
                    urn.encode(),
                    int.from_bytes(stored[4:HEADER_BYTES]),
                    stored[HEADER_BYTES:],
                )
            size += len(part)
            parts.append(part)
        return Answer(200, b'{"items":[%b]}' % b",".join(parts), head_of_many(sources))

    async def put(self, call: Call) -> Answer:
        """Write many entities."""
        call.query()
        key = call.idempotency_key()
        request = decode_body(_put_decoder, await call.body(), strict=self._rules.strict)
        self._check_count(request.items)
        writes: list[WriteItem] = []
        for start in range(0, len(request.items), SLICE):
            writes += [self._put_item(item) for item in request.items[start : start + SLICE]]
            await asyncio.sleep(0)
        return await self._write(WriteOp.PUT, writes, key)

    async def delete(self, call: Call) -> Answer:
        """Delete many entities."""
        call.query()
        key = call.idempotency_key()
        request = decode_body(_delete_decoder, await call.body(), strict=self._rules.strict)
        urns, items = request.urns, request.items
        if isinstance(urns, msgspec.UnsetType) == isinstance(items, msgspec.UnsetType):
            raise ThemisServerError(ErrorCode.INVALID_BODY, "the body has exactly one of urns and items", pointer="")
        if not isinstance(urns, msgspec.UnsetType):
            writes = [WriteItem(urn) for urn in urns]
        else:
            assert not isinstance(items, msgspec.UnsetType)
            writes = [WriteItem(item.urn, b"", _expected(item.if_match)) for item in items]
        self._check_count(writes)
        return await self._write(WriteOp.DELETE, writes, key)

    def _check_count(self, items: Sequence[object]) -> None:
        if len(items) > self._items_max:
            raise too_many_items(len(items), self._items_max)

    def _put_item(self, item: PutItem) -> WriteItem:
        document = bytes(item.doc)
        try:
            if len(document) > self._document_bytes_max:
                raise ThemisServerError(
                    ErrorCode.DOCUMENT_TOO_LARGE,
                    f"the document has {len(document)} bytes; one may have {self._document_bytes_max}",
                    limit=self._document_bytes_max,
                )
            check_document(document, self._rules)
        except ThemisServerError as error:
            return WriteItem(item.urn, error=error)
        return WriteItem(item.urn, document, _expected(item.if_match))

    async def _write(self, op: WriteOp, items: list[WriteItem], key: str | None) -> Answer:
        results, replayed, sources = await self._batches.write(op, items, key)
        with_key = key is not None
        body = b",".join([self._written(result, with_key) for result in results])
        head = head_of_many(sources, read=False)
        if replayed:
            head += "Idempotency-Replayed: true\r\n"
        return Answer(200, b'{"items":[%b]}' % body, head)

    def _written(self, result: ItemResult, with_key: bool) -> bytes:
        if result.error is not None:
            return self._failed(result.urn, result.error, with_key=with_key)
        return b'{"urn":"%b","version":%d}' % (result.urn.encode(), result.version)

    @staticmethod
    def _failed(urn: str, error: ThemisServerError, *, with_key: bool) -> bytes:
        # The URN may be anything a stranger sent, so it is the encoder that quotes it.
        return b'{"urn":%b,"error":%b}' % (_encode(urn), _encode(item_error(error, with_key=with_key)))

    def _response_full(self) -> ThemisServerError:
        return ThemisServerError(
            ErrorCode.BATCH_RESPONSE_LIMIT,
            "the answer is full; ask for this item again in a smaller batch",
            limit=self._response_bytes_max,
        )


def _expected(if_match: int | msgspec.UnsetType) -> tuple[int, ...] | None:
    return None if isinstance(if_match, msgspec.UnsetType) else (if_match,)
