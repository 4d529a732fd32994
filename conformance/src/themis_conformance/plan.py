"""How a cluster is to be: what it holds, how many nodes it has, and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "Action",
    "Answer",
    "CollectionPlan",
    "EntityPlan",
    "FaultMatch",
    "FaultPlan",
    "Limits",
    "NamespacePlan",
    "NodePlan",
    "ReplicasPlan",
    "ServerPlan",
    "TlsPlan",
    "WrongShard",
]


@dataclass(frozen=True)
class EntityPlan:
    """An entity that is there from the beginning; `save` is the variable that gets its version."""

    urn: str
    doc: Any
    version: int | None = None
    save: str | None = None


@dataclass(frozen=True)
class NamespacePlan:
    """A namespace that is there from the beginning."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CollectionPlan:
    """A collection that is there from the beginning."""

    name: str
    namespace: str
    model: str = "document"
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What the scripted cluster takes at most: the defaults are the server's."""

    batch_items_max: int = 10_000
    batch_bytes_max: int = 8 << 20
    answer_items_max: int = 1 << 53
    answer_bytes_max: int = 32 << 20
    body_bytes_max: int = 1 << 20


@dataclass(frozen=True)
class NodePlan:
    """What the topology says of a node."""

    datacenter: str = "dc1"
    rack: str = "rack1"
    health: str = "healthy"
    kind: str = "data"
    state: str = "up"


@dataclass(frozen=True)
class ReplicasPlan:
    """Where the replicas of a shard are: numbers of nodes."""

    voters: tuple[int, ...]
    learners: tuple[int, ...] = ()


@dataclass(frozen=True)
class TlsPlan:
    """Serve https; `client_certificates`: only to clients with a certificate of the same authority."""

    client_certificates: bool = False


@dataclass(frozen=True)
class Answer:
    """An answer that is given instead of the right one. Nothing is carried out."""

    status: int | None = None
    code: str | None = None
    problem: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    json: Any = None
    has_json: bool = False
    text: str | None = None


@dataclass(frozen=True)
class WrongShard:
    """421: ask `owner`, the number of a node; None: nobody knows."""

    epoch: int | None = None
    owner: int | None = None


@dataclass(frozen=True)
class Relayed:
    """Nothing wrong: the right answer, framed as proxies do.

    Attributes:
        framing: `chunked`, or `until_close`: without a length, ended by the connection's end.
        interim: Statuses of interim answers (1xx) that come before it.
        cut: Whether the connection ends in the middle of it all the same.
    """

    framing: Literal["length", "chunked", "until_close"] = "length"
    interim: tuple[int, ...] = ()
    cut: bool = False


@dataclass(frozen=True)
class Action:
    """What goes wrong: one of these, and `delay_ms` before it."""

    delay_ms: int = 0
    answer: Answer | None = None
    close: Literal["before", "after_commit"] | None = None
    truncate: int | None = None
    stall: Literal["before_headers", "in_body"] | None = None
    wrong_shard: WrongShard | None = None
    garbage: bool = False
    reset: bool = False
    items: dict[int | str, dict[str, Any]] | None = None
    relayed: Relayed | None = None


@dataclass(frozen=True)
class FaultMatch:
    """Which requests go wrong: all that are named must fit. Without `operations`: any but getTopology."""

    node: int | None = None
    operations: tuple[str, ...] = ()
    urn: str | None = None
    headers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FaultPlan:
    """A rule: the first `skip` requests that match are left alone, the next `times` go wrong; None is always."""

    match: FaultMatch
    action: Action
    skip: int = 0
    times: int | None = 1


@dataclass(frozen=True)
class ServerPlan:
    """A scripted cluster at its beginning."""

    nodes: int = 1
    shards: int = 4
    epoch: int = 1
    entities: tuple[EntityPlan, ...] = ()
    namespaces: tuple[NamespacePlan, ...] = ()
    collections: tuple[CollectionPlan, ...] = ()
    limits: Limits = field(default_factory=Limits)
    tokens: tuple[str, ...] | None = None
    down: tuple[int, ...] = ()
    labels: dict[int, NodePlan] = field(default_factory=dict)
    replicas: dict[str, ReplicasPlan] = field(default_factory=dict)
    tls: TlsPlan | None = None
    faults: tuple[FaultPlan, ...] = ()
