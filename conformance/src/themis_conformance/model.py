"""Cases as they are after reading: checked, their variables still in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

__all__ = [
    "CALL_FEATURES",
    "CLUSTER_ACTIONS",
    "Case",
    "Exchange",
    "Preparation",
    "ProtocolCase",
    "Requires",
    "ScenarioCase",
    "Step",
    "VectorCase",
    "WireCheck",
]

CLUSTER_ACTIONS: Final = ("kill", "stop", "start", "pause", "resume")
"""What is done to one node of a real cluster."""

Place = Literal["scripted", "any", "live", "cluster"]


@dataclass(frozen=True)
class Requires:
    """What an adapter must be able to do for a case to be of use. No modes: any."""

    features: frozenset[str] = frozenset()
    modes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """What all cases have. `case_id` is unique: layer/suite/name."""

    case_id: str
    layer: str
    suite: str
    about: str
    requires: Requires
    limit_s: float


@dataclass(frozen=True)
class VectorCase(Case):
    """An input of a pure function, and what comes of it."""

    rule: str
    op: str
    given: Any
    expect: Any
    refused: Any


@dataclass(frozen=True)
class WireCheck:
    """What the wire log must say. None, or missing: nothing is said about it."""

    path: str
    requests: Any = None
    last: Any = None
    count: Any = None
    nodes: Any = None
    topology_fetches: Any = None
    connections: Any = None
    same_header: tuple[str, ...] = ()
    distinct_header: tuple[str, ...] = ()
    committed: dict[str, Any] | None = None


@dataclass(frozen=True)
class Step:
    """One step of a scenario.

    Attributes:
        path: Where it stands.
        kind: Its verb: call, start, wait, cancel, iterate, next, drain, close_iterator, create_client, close_client,
            events, server, cluster, until, wire.
        subject: What the verb is about: an operation, a name, a list of events.
        client: The client it is done with; None: the only one.
        args: Of the operation.
        outcome: `value`, `error` or `any`; "" where nothing is expected of it.
        expected: The expectation.
        took_ms: How long it may take, an expectation; None for any time.
        save: Variable -> path into the value or the error.
        ref: The name of a started call.
        repeat: How often.
        parallel: All at once.
        wire: For `wire` and `until`.
        within_ms: For `until`.
        call: For `until`: what is called again and again.
    """

    path: str
    kind: str
    subject: Any
    client: str | None = None
    args: Any = None
    outcome: str = ""
    expected: Any = None
    took_ms: Any = None
    save: dict[str, str] = field(default_factory=dict)
    ref: str = ""
    repeat: int | str = 1
    parallel: bool = False
    wire: WireCheck | None = None
    within_ms: int = 2000
    call: Step | None = None


@dataclass(frozen=True)
class ScenarioCase(Case):
    """Steps with one or several clients against a cluster. `server` and `clients` are templates: read when it runs."""

    on: Place
    server: dict[str, Any]
    clients: dict[str, Any]
    steps: tuple[Step, ...]
    wire: WireCheck | None
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Exchange:
    """A request and its response, as templates with expectations in them."""

    method: str
    path: Any
    headers: dict[str, Any]
    body_kind: Literal["", "json", "text", "bytes", "whole"]
    body: Any
    status: int
    response_headers: dict[str, Any]
    answer_kind: Literal["", "json", "problem", "text"]
    answer: Any


@dataclass(frozen=True)
class Preparation:
    """A request that a server is sent before the one that is judged. No status: any below 400 will do."""

    method: str
    path: str
    headers: dict[str, str]
    has_body: bool
    body: Any
    status: int | None
    save: dict[str, str]


@dataclass(frozen=True)
class ProtocolCase(Case):
    """One exchange used both ways. No exchange: the SDK refuses the call by itself, and nothing is sent."""

    operation: str
    given: dict[str, Any]
    op: str
    args: Any
    client: dict[str, Any]
    exchange: Exchange | None
    outcome: str
    expected: Any
    count: Any
    side: Literal["both", "client", "server"]
    before: tuple[Preparation, ...] = ()


CALL_FEATURES = {
    "get": "entities",
    "get_entity": "entities",
    "exists": "entities",
    "put": "entities",
    "patch": "entities",
    "delete": "entities",
    "batch_get": "batches",
    "batch_put": "batches",
    "batch_delete": "batches",
    "create_namespace": "catalogue",
    "alter_namespace": "catalogue",
    "get_namespace": "catalogue",
    "list_namespaces": "catalogue",
    "drop_namespace": "catalogue",
    "create_collection": "catalogue",
    "get_collection": "catalogue",
    "alter_collection": "catalogue",
    "list_collections": "catalogue",
    "drop_collection": "catalogue",
    "count_collection": "catalogue",
    "topology": "cluster",
    "version": "cluster",
    "health": "cluster",
    "metrics": "cluster",
    "admin_topology": "cluster",
    "admin_metrics": "cluster",
    "admin_status": "administration",
    "admin_nodes": "administration",
    "admin_node": "administration",
    "admin_remove_node": "administration",
    "admin_drain_node": "administration",
    "admin_undrain_node": "administration",
    "admin_shards": "administration",
    "admin_shard": "administration",
    "admin_transfer_leader": "administration",
    "admin_replace_replica": "administration",
    "admin_set_replicas": "administration",
    "admin_join_tokens": "administration",
    "admin_create_join_token": "administration",
    "admin_revoke_join_token": "administration",
    "session_token": "sessions",
    "merge_session": "sessions",
    "forget_session": "sessions",
}
"""Every op of `call` -> the feature that an adapter needs for it."""
