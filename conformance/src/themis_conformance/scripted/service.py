"""One request: who may ask, what is asked, whether it was asked before, and what the answer is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from themis_conformance.operations import allowed_methods
from themis_conformance.plan import ServerPlan
from themis_conformance.scripted.administration import AdminHandlers
from themis_conformance.scripted.batches import BatchHandlers, ItemFaults
from themis_conformance.scripted.call import Call, Reply
from themis_conformance.scripted.catalogue import CatalogueHandlers
from themis_conformance.scripted.cluster_info import ClusterHandlers
from themis_conformance.scripted.entities import EntityHandlers
from themis_conformance.scripted.problems import Refusal, problem_document
from themis_conformance.scripted.replicas import Replicas
from themis_conformance.scripted.shape import Shape
from themis_conformance.scripted.store import Store, json_bytes
from themis_conformance.scripted.wirelog import Seen

__all__ = ["Service", "problem_reply", "request_id_of"]

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_PROBLEM: Final = "application/problem+json"

Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class _Remembered:
    """What a request with an idempotency key came to."""

    fingerprint: tuple[Any, ...]
    result: Reply | Refusal


def request_id_of(seen: Seen) -> str:
    """The caller's X-Request-Id if it is one, otherwise a new one."""
    given = seen.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def problem_reply(
    seen: Seen, request_id: str, status: int, code: str | None, detail: str, members: dict[str, Any]
) -> Reply:
    """An answer with a problem document; `members` go over what is always in it."""
    with_key = "idempotency-key" in seen.headers
    document = problem_document(
        code, status, detail, instance=seen.path, request_id=request_id, with_key=with_key, members=members
    )
    headers = {"Content-Type": _PROBLEM}
    if isinstance(document.get("code"), str):
        headers["Themis-Error"] = document["code"]
    if "retry_after_s" in document:
        headers["Retry-After"] = str(document["retry_after_s"])
    return Reply(status, json_bytes(document), headers)


class Service:
    """The database behind all nodes of a cluster."""

    def __init__(self, plan: ServerPlan, shape: Shape) -> None:
        self.store = Store(plan, shape.ring.shard_of)
        self.tokens = plan.tokens
        self._limits = plan.limits
        self._remembered: dict[str, _Remembered] = {}
        self._writing = asyncio.Lock()
        replicas = Replicas(shape, self.store)
        entities = EntityHandlers(self.store, replicas)
        catalogue = CatalogueHandlers(self.store, shape.ring, replicas)
        self._cluster = cluster = ClusterHandlers(shape)
        admin = AdminHandlers(self.store, shape)
        batches = BatchHandlers(self.store, entities, replicas)
        self._batches = {"batchGet": batches.get, "batchPut": batches.put, "batchDelete": batches.delete}
        self._handlers: dict[str, Handler] = {
            "getEntity": entities.read,
            "headEntity": entities.read,
            "putEntity": entities.put,
            "patchEntity": entities.patch,
            "deleteEntity": entities.delete,
            "listNamespaces": catalogue.list_namespaces,
            "createNamespace": catalogue.create_namespace,
            "getNamespace": catalogue.get_namespace,
            "alterNamespace": catalogue.alter_namespace,
            "dropNamespace": catalogue.drop_namespace,
            "listCollections": catalogue.list_collections,
            "createCollection": catalogue.create_collection,
            "getCollection": catalogue.get_collection,
            "alterCollection": catalogue.alter_collection,
            "dropCollection": catalogue.drop_collection,
            "countCollection": catalogue.count_collection,
            "listEntities": catalogue.list_entities,
            "getVersion": cluster.version,
            "getLive": cluster.health,
            "getReady": cluster.health,
            "getMetrics": cluster.metrics,
            "getOpenapi": cluster.openapi,
            "adminTopology": admin.topology,
            "adminMetrics": admin.metrics,
            "adminStatus": admin.status,
            "adminNodes": admin.nodes,
            "adminNode": admin.node,
            "adminRemoveNode": admin.remove_node,
            "adminDrainNode": admin.drain_node,
            "adminUndrainNode": admin.undrain_node,
            "adminShards": admin.shards,
            "adminShard": admin.shard,
            "adminTransferLeader": admin.transfer_leader,
            "adminReplaceReplica": admin.replace_replica,
            "adminSetReplicas": admin.set_replicas,
            "adminJoinTokens": admin.join_tokens,
            "adminCreateJoinToken": admin.create_join_token,
            "adminRevokeJoinToken": admin.revoke_join_token,
        }

    async def answer(self, seen: Seen, request_id: str, item_faults: ItemFaults | None = None) -> Reply:
        """Carry a request out; `item_faults` are the errors that items of a batch are to have."""
        try:
            return await self._answer(seen, request_id, item_faults)
        except Refusal as refusal:
            return _refused(seen, request_id, refusal)

    async def _answer(self, seen: Seen, request_id: str, item_faults: ItemFaults | None) -> Reply:
        self._check_token(seen)
        if seen.route is None:
            raise _no_route(seen)
        call = Call(seen.node, seen.route, seen.headers, seen.query, seen.body, self._limits, request_id)
        if call.operation_id == "getTopology":
            return await self._cluster.topology(call)
        if not seen.route.operation.writes:
            return await self._carry_out(call, item_faults)
        # One write after another: a batch gives way to other requests, but its key must not be used twice meanwhile.
        async with self._writing:
            return await self._once(seen, request_id, call, item_faults)

    def _check_token(self, seen: Seen) -> None:
        if self.tokens is None:
            return
        scheme, _, token = seen.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self.tokens:
            raise Refusal("unauthorized", "The token is missing or not accepted.")

    async def _carry_out(self, call: Call, item_faults: ItemFaults | None) -> Reply:
        batch = self._batches.get(call.operation_id)
        return await batch(call, item_faults) if batch is not None else self._handlers[call.operation_id](call)

    async def _once(self, seen: Seen, request_id: str, call: Call, item_faults: ItemFaults | None) -> Reply:
        """Carry a write out, or answer what was answered to the same one under its key."""
        key = call.idempotency_key()
        if key is None:
            return await self._carry_out(call, item_faults)
        conditions = (seen.headers.get("if-match"), seen.headers.get("if-none-match"))
        fingerprint = (call.operation_id, seen.path.lower(), seen.query, seen.body, conditions)
        known = self._remembered.get(key)
        if known is not None and known.fingerprint != fingerprint:
            members = {"parameter": "Idempotency-Key"}
            raise Refusal("idempotency_key_reused", "This Idempotency-Key was used for another request.", members)
        if known is not None:
            result = known.result
            reply = _refused(seen, request_id, result) if isinstance(result, Refusal) else result
            return replace(reply, headers={**reply.headers, "Idempotency-Replayed": "true"})
        try:
            reply = await self._carry_out(call, item_faults)
        except Refusal as refusal:
            if refusal.decided:
                self._remembered[key] = _Remembered(fingerprint, refusal)
            raise
        self._remembered[key] = _Remembered(fingerprint, reply)
        return reply


def _no_route(seen: Seen) -> Refusal:
    allowed = allowed_methods(seen.path)
    if allowed:
        return Refusal("method_not_allowed", f"The path takes {', '.join(allowed)}.", {"allowed": allowed})
    return Refusal("route_not_found", f"No operation has the path {seen.path!r}.")


def _refused(seen: Seen, request_id: str, refusal: Refusal) -> Reply:
    reply = problem_reply(seen, request_id, refusal.status, refusal.code, refusal.detail, refusal.members)
    if refusal.code == "method_not_allowed":
        reply.headers["Allow"] = ", ".join(refusal.members["allowed"])
    reply.headers |= refusal.headers
    reply.closes = refusal.closes
    return reply
