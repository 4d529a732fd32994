"""POST /batch/get, /batch/put, /batch/delete: each item by itself, in the order asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from themis_conformance.names import EntityName, NotAName, parse_urn
from themis_conformance.scripted.call import Call, Reply
from themis_conformance.scripted.documents import check_document
from themis_conformance.scripted.entities import EntityHandlers, find
from themis_conformance.scripted.problems import Refusal, item_error
from themis_conformance.scripted.replicas import Replicas, Serving
from themis_conformance.scripted.store import Store, json_bytes

__all__ = ["BatchHandlers", "ItemFaults"]

ItemFaults = Callable[[int, str], dict[str, Any] | None]
"""(place, URN as sent) -> the error this item is to have, None for none."""

# After so long the other cases, whose clusters share this thread, get their turn: they measure times.
_SLICE_S: Final = 0.002
_EXPECTED_MAX: Final = (1 << 53) - 1


class BatchHandlers:
    """The three batches."""

    def __init__(self, store: Store, entities: EntityHandlers, replicas: Replicas) -> None:
        self._store = store
        self._entities = entities
        self._replicas = replicas

    async def get(self, call: Call, faults: ItemFaults | None) -> Reply:
        """Read many."""
        query = call.query()
        urns = _list(call.json_object(("urns",), ("urns",)), "urns", call.limits.batch_items_max)
        size = 0
        servings: dict[str, Serving] = {}

        def read(index: int, name: EntityName, _: Any) -> dict[str, Any]:
            nonlocal size
            shard = self._replicas.shard_of(name.uuid)
            if shard not in servings:
                servings[shard] = self._replicas.for_read(call, query, shard)
            found = find(self._store.collection_of(name), name, servings[shard].as_of)
            size += len(found.raw)
            if index >= call.limits.answer_items_max or size > call.limits.answer_bytes_max:
                raise Refusal("batch_response_limit", "The answer is full.", {"limit": call.limits.answer_bytes_max})
            return {"version": found.version, "doc": found.doc}

        items = [{"urn": urn} for urn in urns]
        found = await _each(items, read, faults, with_key=False)
        return Reply.of(found, headers=self._replicas.headers_of_many(call.node, list(servings.values())))

    async def put(self, call: Call, faults: ItemFaults | None) -> Reply:
        """Write many."""
        call.query()
        items = _list(call.json_object(("items",), ("items",)), "items", call.limits.batch_items_max)
        _check_items(items, ("urn", "doc"), ("urn", "doc", "if_match"))

        def write(_: int, name: EntityName, item: dict[str, Any]) -> dict[str, Any]:
            raw = json_bytes(item["doc"])
            if len(raw) > call.limits.body_bytes_max:
                limit = call.limits.body_bytes_max
                raise Refusal("document_too_large", f"The document has {len(raw)} bytes.", {"limit": limit})
            check_document(item["doc"])
            return {"version": self._entities.write_put(name, raw, _expected(item)).version}

        return self._written(call, await _each(items, write, faults, with_key=call.idempotency_key() is not None))

    async def delete(self, call: Call, faults: ItemFaults | None) -> Reply:
        """Delete many."""
        call.query()
        body = call.json_object(("urns", "items"))
        if len(body) != 1:
            raise Refusal("invalid_body", "The body has exactly one of urns and items.", {"pointer": ""})
        (member,) = body
        items = _list(body, member, call.limits.batch_items_max)
        if member == "urns":
            items = [{"urn": urn} for urn in items]
        _check_items(items, ("urn",), ("urn", "if_match"))

        def remove(_: int, name: EntityName, item: dict[str, Any]) -> dict[str, Any]:
            return {"version": self._entities.write_delete(name, _expected(item)).version}

        return self._written(call, await _each(items, remove, faults, with_key=call.idempotency_key() is not None))

    def _written(self, call: Call, found: dict[str, Any]) -> Reply:
        uuids = [parse_urn(item["urn"]).uuid for item in found["items"] if "version" in item]
        servings = [self._replicas.leader(shard) for shard in {self._replicas.shard_of(uuid) for uuid in uuids}]
        return Reply.of(found, headers=self._replicas.headers_of_many(call.node, servings, read=False))


async def _each(
    items: list[dict[str, Any]],
    act: Callable[[int, EntityName, dict[str, Any]], dict[str, Any]],
    faults: ItemFaults | None,
    *,
    with_key: bool,
) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    breath = 0.0
    for index, item in enumerate(items):
        if time.monotonic() >= breath:
            await asyncio.sleep(0)
            breath = time.monotonic() + _SLICE_S
        urn = item["urn"]
        planned = faults(index, urn) if faults is not None else None
        try:
            name = parse_urn(urn)
            urn = str(name)
            result = {"error": planned} if planned is not None else act(index, name, item)
        except NotAName as error:
            members = {"position": error.position}
            result = {"error": item_error("invalid_urn", str(error), with_key=with_key, members=members)}
        except Refusal as refusal:
            error_of_item = item_error(refusal.code, refusal.detail, with_key=with_key, members=refusal.members)
            result = {"error": error_of_item}
        found.append({"urn": urn, **result})
    return {"items": found}


def _list(body: dict[str, Any], member: str, items_max: int) -> list[Any]:
    value = body[member]
    if not isinstance(value, list) or (member == "urns" and not all(isinstance(urn, str) for urn in value)):
        raise Refusal("invalid_body", f"{member} is no list of the right kind.", {"pointer": f"/{member}"})
    if len(value) > items_max:
        detail = f"The batch has {len(value)} items; the limit is {items_max}."
        raise Refusal("too_many_items", detail, {"limit": items_max})
    return value


def _check_items(items: list[Any], needed: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    for index, item in enumerate(items):
        here = {"pointer": f"/items/{index}"}
        if not isinstance(item, dict) or not isinstance(item.get("urn"), str):
            raise Refusal("invalid_body", "An item is an object with a urn.", here)
        if any(name not in item for name in needed) or any(name not in allowed for name in item):
            raise Refusal("invalid_body", "An item lacks a member, or has one too many.", here)
        expected = item.get("if_match", 0)
        if isinstance(expected, bool) or not isinstance(expected, int) or not 0 <= expected <= _EXPECTED_MAX:
            raise Refusal("invalid_body", "if_match is a version, or 0.", {"pointer": f"/items/{index}/if_match"})


def _expected(item: dict[str, Any]) -> list[int] | None:
    return [item["if_match"]] if "if_match" in item else None
