"""Every operation, each way it can end: which requests provoke which answer.

The table is data; `test_operations.py` sends it and checks that nothing the specification declares is missing from it.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from server.tests.conformance import SpecClient

_numbers = itertools.count(1)
MIB = 1 << 20


def urn(collection: str = "docs", namespace: str = "spec", model: str = "document") -> str:
    """Return the URN of an entity that nobody has used."""
    return f"urn:themis:{model}:{namespace}:{collection}:{uuid.UUID(int=next(_numbers) << 64)}"


def name() -> str:
    """Return a name that nobody has used."""
    return f"n{next(_numbers)}"


class Stage:
    """What the requests of the table refer to: made once, before all of them."""

    def __init__(self, client: SpecClient) -> None:
        self.client = client
        self.entity = urn()
        client.call("putEntity", {"a": 1}, urn=self.entity, expect=201)
        client.call("createNamespace", {"name": "closed", "options": {"auto_create_collections": False}}, expect=201)
        client.call("createCollection", {"name": "rows", "model": "relational"}, namespace="spec", expect=201)

    def new_entity(self) -> str:
        """Return the URN of an entity of its own."""
        made = urn()
        self.client.call("putEntity", {"fresh": True}, urn=made, expect=201)
        return made

    def version(self) -> str:
        """Return the ETag of the entity that all share."""
        return self.client.call("getEntity", urn=self.entity, expect=200).header("etag") or ""

    def node_id(self) -> str:
        """Return the id of the node that is asked."""
        return str(self.client.call("adminStatus", expect=200).json()["node_id"])

    def new_join_token(self) -> str:
        """Return the id of a join token of its own."""
        return str(self.client.call("adminCreateJoinToken", {"ttl_s": 60}, expect=201).json()["token_id"])

    def new_namespace(self) -> str:
        """Return the name of an empty namespace of its own."""
        made = name()
        self.client.call("createNamespace", {"name": made}, expect=201)
        return made

    def new_collection(self) -> str:
        """Return the name of a collection of its own in the namespace spec."""
        made = name()
        self.client.call("createCollection", {"name": made, "model": "document"}, namespace="spec", expect=201)
        return made


@dataclass(frozen=True)
class Call:
    """The arguments of `SpecClient.call`."""

    body: object = None
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A request, and the status or error code that must come."""

    operation_id: str
    expect: int | str
    make: Callable[[Stage], Call]

    @property
    def id(self) -> str:
        """A name for the test."""
        return f"{self.operation_id}-{self.expect}"


def call(body: object = None, *, query: str = "", headers: dict[str, str] | None = None, **parameters: str) -> Call:
    """Return a call, written as a call."""
    return Call(body, query, headers or {}, parameters)


MISSING_NAMESPACE = urn(namespace="nowhere")
MISSING_COLLECTION = urn(collection="nowhere")
OTHER_MODEL = "urn:themis:graph:spec:docs:00000000-0000-4000-8000-000000000001"
IN_CLOSED = urn(namespace="closed", collection="nowhere")
_DEEP = b"[" * 65 + b"]" * 65


def _reused(stage: Stage, operation_id: str, first: Call) -> dict[str, str]:
    """Use an idempotency key for one request; return the headers with which another must fail."""
    headers = {"Idempotency-Key": name()}
    reply = stage.client.call(operation_id, first.body, query=first.query, headers=headers, at=first.parameters)
    assert reply.status < 300, reply
    replayed = stage.client.call(operation_id, first.body, query=first.query, headers=headers, at=first.parameters)
    assert replayed.header("idempotency-replayed") == "true"
    assert (replayed.status, replayed.body) == (reply.status, reply.body)
    return headers


def _fixed(body: object, at: dict[str, str], **headers: str) -> Callable[[Stage], Call]:
    made = Call(body, headers={name.replace("_", "-"): value for name, value in headers.items()}, parameters=at)
    return lambda _: made


_READS = [
    case
    for operation in ("getEntity", "headEntity")
    for case in (
        Case(operation, 200, lambda stage: call(urn=stage.entity)),
        Case(operation, 200, lambda stage: call(urn=stage.entity, query="consistency=bounded&max_lag_ms=5")),
        Case(operation, 304, lambda stage: call(urn=stage.entity, headers={"If-None-Match": stage.version()})),
        Case(operation, 304, lambda stage: call(urn=stage.entity, headers={"If-None-Match": "*"})),
        Case(operation, "entity_not_found", lambda stage: call(urn=urn())),
        Case(operation, "invalid_urn", lambda stage: call(urn="urn:themis:document:x")),
        Case(operation, "namespace_not_found", lambda stage: call(urn=MISSING_NAMESPACE)),
        Case(operation, "collection_not_found", lambda stage: call(urn=MISSING_COLLECTION)),
        Case(operation, "collection_model_mismatch", lambda stage: call(urn=OTHER_MODEL)),
    )
]

_WRITES = [
    Case("putEntity", 201, lambda stage: call({"a": 1}, urn=urn())),
    Case("putEntity", 200, lambda stage: call({"a": 1}, urn=stage.entity)),
    Case("putEntity", 200, lambda stage: call({}, urn=stage.entity, headers={"If-Match": stage.version()})),
    Case("putEntity", 201, lambda stage: call({}, urn=urn(), headers={"If-None-Match": "*"})),
    Case("putEntity", "precondition_failed", lambda stage: call({}, urn=stage.entity, headers={"If-None-Match": "*"})),
    Case("putEntity", "precondition_failed", lambda stage: call({}, urn=urn(), headers={"If-Match": "*"})),
    Case("putEntity", "collection_not_found", lambda stage: call({}, urn=IN_CLOSED)),
    Case(
        "putEntity",
        "idempotency_key_reused",
        lambda stage: call({"b": 2}, urn=(it := urn()), headers=_reused(stage, "putEntity", call({"b": 1}, urn=it))),
    ),
    Case("patchEntity", 200, lambda stage: call({"b": {"c": 1}}, urn=stage.entity)),
    Case("patchEntity", "entity_not_found", lambda stage: call({}, urn=urn())),
    Case("patchEntity", "namespace_not_found", lambda stage: call({}, urn=MISSING_NAMESPACE)),
    Case("patchEntity", "collection_not_found", lambda stage: call({}, urn=MISSING_COLLECTION)),
    Case("patchEntity", "precondition_failed", lambda stage: call({}, urn=stage.entity, headers={"If-Match": '"1"'})),
    Case(
        "patchEntity",
        "idempotency_key_reused",
        lambda stage: call(
            {"b": 2}, urn=stage.entity, headers=_reused(stage, "patchEntity", call({}, urn=stage.entity))
        ),
    ),
    Case("deleteEntity", 200, lambda stage: call(urn=stage.new_entity())),
    Case("deleteEntity", "entity_not_found", lambda stage: call(urn=urn())),
    Case("deleteEntity", "invalid_urn", lambda stage: call(urn="nonsense")),
    Case("deleteEntity", "namespace_not_found", lambda stage: call(urn=MISSING_NAMESPACE)),
    Case("deleteEntity", "collection_not_found", lambda stage: call(urn=MISSING_COLLECTION)),
    Case("deleteEntity", "collection_model_mismatch", lambda stage: call(urn=OTHER_MODEL)),
    Case("deleteEntity", "precondition_failed", lambda stage: call(urn=stage.entity, headers={"If-Match": '"1"'})),
    Case(
        "deleteEntity",
        "idempotency_key_reused",
        lambda stage: call(
            urn=(it := stage.new_entity()),
            headers={"If-Match": '"5"', **_reused(stage, "deleteEntity", call(urn=it))},
        ),
    ),
]

_BODIES = [
    case
    for operation in ("putEntity", "patchEntity")
    for case in (
        Case(operation, "invalid_urn", lambda stage: call({}, urn="nonsense")),
        Case(operation, "collection_model_mismatch", lambda stage: call({}, urn=OTHER_MODEL)),
        Case(operation, "invalid_json", lambda stage: call(b"{", urn=stage.entity)),
        Case(operation, "document_not_object", lambda stage: call([], urn=stage.entity)),
        Case(operation, "reserved_attribute", lambda stage: call({"_id": 1}, urn=stage.entity)),
        Case(operation, "integer_out_of_range", lambda stage: call({"a": 1 << 64}, urn=stage.entity)),
        Case(operation, "json_too_deep", lambda stage: call(b'{"a":%b}' % _DEEP, urn=stage.entity)),
        Case(operation, "body_too_large", lambda stage: call(b" " * (MIB + 1), urn=stage.entity)),
    )
]

_BATCHES = [
    Case("batchGet", 200, lambda stage: call({"urns": [stage.entity, urn(), "x", OTHER_MODEL, MISSING_NAMESPACE]})),
    Case("batchGet", 200, lambda stage: call({"urns": []})),
    Case("batchPut", 200, lambda stage: call({"items": [{"urn": urn(), "doc": {"a": 1}, "if_match": 0}]})),
    Case(
        "batchPut",
        "idempotency_key_reused",
        lambda stage: call(
            {"items": [{"urn": (it := urn()), "doc": {"a": 2}}]},
            headers=_reused(stage, "batchPut", call({"items": [{"urn": it, "doc": {"a": 1}}]})),
        ),
    ),
    Case("batchDelete", 200, lambda stage: call({"urns": [stage.new_entity(), urn()]})),
    Case("batchDelete", 200, lambda stage: call({"items": [{"urn": stage.new_entity()}]})),
    Case("batchDelete", "invalid_body", lambda stage: call({"urns": [], "items": []})),
    Case(
        "batchDelete",
        "idempotency_key_reused",
        lambda stage: call(
            {"items": [{"urn": (it := stage.new_entity()), "if_match": 5}]},
            headers=_reused(stage, "batchDelete", call({"urns": [it]})),
        ),
    ),
    Case("batchGet", "too_many_items", lambda stage: call({"urns": ["x"] * 10_001})),
    Case("batchPut", "too_many_items", lambda stage: call({"items": [{"urn": "x", "doc": {}}] * 10_001})),
    Case("batchDelete", "too_many_items", lambda stage: call({"urns": ["x"] * 10_001})),
]

_CATALOGUE = [
    Case("listNamespaces", 200, lambda stage: call(query="limit=1")),
    Case("listNamespaces", "invalid_cursor", lambda stage: call(query="cursor=abcd")),
    Case("createNamespace", 201, lambda stage: call({"name": name()})),
    Case("createNamespace", "namespace_exists", lambda stage: call({"name": "spec"})),
    Case("createNamespace", "invalid_body", lambda stage: call({"name": "no spaces"})),
    Case(
        "createNamespace",
        "idempotency_key_reused",
        lambda stage: call({"name": name()}, headers=_reused(stage, "createNamespace", call({"name": name()}))),
    ),
    Case("getNamespace", 200, lambda stage: call(namespace="spec")),
    Case("getNamespace", "namespace_not_found", lambda stage: call(namespace="nowhere")),
    Case("alterNamespace", 200, lambda stage: call({"options": {"auto_create_collections": True}}, namespace="spec")),
    Case("alterNamespace", "namespace_not_found", lambda stage: call({"options": {}}, namespace="nowhere")),
    Case(
        "alterNamespace",
        "idempotency_key_reused",
        lambda stage: call(
            {"options": {"auto_create_collections": False}},
            namespace="spec",
            headers=_reused(stage, "alterNamespace", call({"options": {}}, namespace="spec")),
        ),
    ),
    Case("dropNamespace", 200, lambda stage: call(namespace=stage.new_namespace())),
    Case("dropNamespace", "namespace_not_found", lambda stage: call(namespace="nowhere")),
    Case("dropNamespace", "namespace_not_empty", lambda stage: call(namespace="spec")),
    Case(
        "dropNamespace",
        "idempotency_key_reused",
        lambda stage: call(
            namespace="spec", headers=_reused(stage, "dropNamespace", call(namespace=stage.new_namespace()))
        ),
    ),
    Case("listCollections", 200, lambda stage: call(namespace="spec", query="limit=1")),
    Case("listCollections", "namespace_not_found", lambda stage: call(namespace="nowhere")),
    Case("listCollections", "invalid_cursor", lambda stage: call(namespace="spec", query="cursor=abcd")),
    Case("createCollection", 201, lambda stage: call({"name": name(), "model": "vector"}, namespace="spec")),
    Case(
        "createCollection",
        "collection_exists",
        lambda stage: call({"name": "docs", "model": "document"}, namespace="spec"),
    ),
    Case(
        "createCollection",
        "collection_model_mismatch",
        lambda stage: call({"name": "docs", "model": "graph"}, namespace="spec"),
    ),
    Case("createCollection", "invalid_body", lambda stage: call({"name": name(), "model": "cube"}, namespace="spec")),
    Case(
        "createCollection",
        "idempotency_key_reused",
        lambda stage: call(
            {"name": name(), "model": "graph"},
            namespace="spec",
            headers=_reused(stage, "createCollection", call({"name": name(), "model": "graph"}, namespace="spec")),
        ),
    ),
    Case("getCollection", 200, lambda stage: call(namespace="spec", collection="rows")),
    Case(
        "alterCollection",
        200,
        lambda stage: call({"options": {"cache_max_age_s": 5}}, namespace="spec", collection="rows"),
    ),
    Case(
        "alterCollection",
        "idempotency_key_reused",
        lambda stage: call(
            {"options": {"description": "b"}},
            namespace="spec",
            collection="rows",
            headers=_reused(
                stage, "alterCollection", call({"options": {"description": "a"}}, namespace="spec", collection="rows")
            ),
        ),
    ),
    Case("dropCollection", 200, lambda stage: call(namespace="spec", collection=stage.new_collection())),
    Case(
        "dropCollection",
        "idempotency_key_reused",
        lambda stage: call(
            namespace="spec",
            collection="docs",
            headers=_reused(stage, "dropCollection", call(namespace="spec", collection=stage.new_collection())),
        ),
    ),
    Case("countCollection", 200, lambda stage: call(namespace="spec", collection="docs")),
    Case("listEntities", 200, lambda stage: call(namespace="spec", collection="docs", query="limit=2")),
    Case("listEntities", 200, lambda stage: call(namespace="spec", collection="docs", query="include=version")),
    Case(
        "listEntities", "invalid_cursor", lambda stage: call(namespace="spec", collection="docs", query="cursor=abcd")
    ),
    *[
        Case(operation, f"{what}_not_found", lambda stage, body=body, at=at: call(body, **at))  # type: ignore[misc]
        for operation, body in (
            ("getCollection", None),
            ("alterCollection", {"options": {}}),
            ("dropCollection", None),
            ("countCollection", None),
            ("listEntities", None),
        )
        for what, at in (
            ("namespace", {"namespace": "nowhere", "collection": "docs"}),
            ("collection", {"namespace": "spec", "collection": "nowhere"}),
        )
    ],
]

_SYSTEM = [
    Case("getTopology", 200, lambda stage: call()),
    Case("getTopology", 304, lambda stage: call(query="after_epoch=1&wait_ms=20")),
    Case("getTopology", 200, lambda stage: call(query="after_epoch=0&wait_ms=20")),
    Case("getVersion", 200, lambda stage: call()),
    Case("getLive", 200, lambda stage: call()),
    Case("getReady", 200, lambda stage: call()),
    Case("getMetrics", 200, lambda stage: call()),
    Case("getOpenapi", 200, lambda stage: call()),
    Case("adminTopology", 200, lambda stage: call()),
    Case("adminMetrics", 200, lambda stage: call()),
    Case("adminMetrics", 200, lambda stage: call(query=f"node_id={stage.node_id()}")),
    Case("adminMetrics", "node_not_found", lambda stage: call(query="node_id=nobody")),
]

# What an operator does, as far as a node that is alone lets it be done.
_CLUSTER = [
    Case("adminStatus", 200, lambda stage: call()),
    Case("adminNodes", 200, lambda stage: call()),
    Case("adminNode", 200, lambda stage: call(node_id=stage.node_id())),
    Case("adminRemoveNode", "node_in_use", lambda stage: call(node_id=stage.node_id())),
    Case("adminRemoveNode", "node_in_use", lambda stage: call(node_id=stage.node_id(), query="force=true")),
    Case("adminDrainNode", "node_in_use", lambda stage: call(node_id=stage.node_id())),
    Case("adminUndrainNode", 200, lambda stage: call(node_id=stage.node_id())),
    *[
        Case(operation, "node_not_found", lambda stage: call(node_id="nobody"))
        for operation in ("adminNode", "adminRemoveNode", "adminDrainNode", "adminUndrainNode")
    ],
    Case("adminShards", 200, lambda stage: call()),
    Case("adminShard", 200, lambda stage: call(shard_id="shard_001")),
    Case("adminShard", 200, lambda stage: call(shard_id="metadata")),
    Case("adminShard", "shard_not_found", lambda stage: call(shard_id="shard_999")),
    Case("adminTransferLeader", 200, lambda stage: call({"target": stage.node_id()}, shard_id="shard_001")),
    Case("adminTransferLeader", "transfer_refused", lambda stage: call({}, shard_id="shard_001")),
    Case("adminTransferLeader", "node_not_found", lambda stage: call({"target": "nobody"}, shard_id="shard_001")),
    Case("adminTransferLeader", "shard_not_found", lambda stage: call({}, shard_id="shard_999")),
    Case(
        "adminReplaceReplica",
        "placement_refused",
        lambda stage: call({"source": stage.node_id(), "target": stage.node_id()}, shard_id="shard_001"),
    ),
    Case(
        "adminReplaceReplica",
        "node_not_found",
        lambda stage: call({"source": stage.node_id(), "target": "nobody"}, shard_id="shard_001"),
    ),
    Case("adminReplaceReplica", "shard_not_found", lambda stage: call({"source": "node-1"}, shard_id="shard_999")),
    Case("adminSetReplicas", 200, lambda stage: call({"replicas": 3})),
    Case("adminJoinTokens", 200, lambda stage: call()),
    Case("adminCreateJoinToken", 201, lambda stage: call({"ttl_s": 60, "description": "for a test"})),
    Case("adminRevokeJoinToken", 200, lambda stage: call(token_id=stage.new_join_token())),
    Case("adminRevokeJoinToken", "join_token_not_found", lambda stage: call(token_id="nothing")),
]

# Bodies that are valid, with what they are sent to: the start of what every operation with a body must refuse.
BODIES: dict[str, tuple[Any, dict[str, str]]] = {
    "putEntity": ({}, {"urn": urn()}),
    "patchEntity": ({}, {"urn": urn()}),
    "batchGet": ({"urns": []}, {}),
    "batchPut": ({"items": []}, {}),
    "batchDelete": ({"urns": []}, {}),
    "createNamespace": ({"name": "x"}, {}),
    "alterNamespace": ({"options": {}}, {"namespace": "spec"}),
    "createCollection": ({"name": "x", "model": "document"}, {"namespace": "spec"}),
    "alterCollection": ({"options": {}}, {"namespace": "spec", "collection": "docs"}),
    "adminTransferLeader": ({"target": "node-1"}, {"shard_id": "shard_001"}),
    "adminReplaceReplica": ({"source": "node-1"}, {"shard_id": "shard_001"}),
    "adminSetReplicas": ({"replicas": 3}, {}),
    "adminCreateJoinToken": ({"ttl_s": 60}, {}),
}


_TYPED = [
    case
    for operation, (body, at) in BODIES.items()
    for case in (
        Case(operation, "unsupported_media_type", _fixed(body, at, Content_Type="text/plain")),
        Case(operation, "content_encoding_unsupported", _fixed(body, at, Content_Encoding="gzip")),
    )
]

_STRUCTURED = [
    case
    for operation, (body, at) in BODIES.items()
    if "urn" not in at
    for case in (
        Case(operation, "invalid_json", _fixed(json.dumps(body).encode()[:-1], at)),
        Case(operation, "invalid_body", _fixed({**body, "nonsense": 1}, at)),
        Case(operation, "body_too_large", _fixed(json.dumps(body).encode() + b" " * (9 * MIB), at)),
    )
]

CASES: list[Case] = [*_READS, *_WRITES, *_BODIES, *_BATCHES, *_CATALOGUE, *_SYSTEM, *_CLUSTER, *_TYPED, *_STRUCTURED]
