"""themis: the Python SDK of ThemisDB.

    from themis import ThemisClient

    with ThemisClient(["http://127.0.0.1:8080"]) as client:
        client.put("document", "users", uuid, {"name": "Alice"})
        client.get("document", "users", uuid)

`ThemisClient` is for threads, `AsyncThemisClient` for asyncio; they have the same methods. Everything else that is
public is in `__all__`.

Names are loaded when they are first used (PEP 562): the server imports `themis.urn` and `themis.placement` from here
and must not pay for a client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from themis._generated.errors import ErrorCode as ErrorCode
    from themis._generated.models import AdminMetrics as AdminMetrics
    from themis._generated.models import AdminTopology as AdminTopology
    from themis._generated.models import ClusterNode as ClusterNode
    from themis._generated.models import ClusterNodeDetail as ClusterNodeDetail
    from themis._generated.models import ClusterNodeList as ClusterNodeList
    from themis._generated.models import ClusterShard as ClusterShard
    from themis._generated.models import ClusterShardList as ClusterShardList
    from themis._generated.models import ClusterStatus as ClusterStatus
    from themis._generated.models import Collection as Collection
    from themis._generated.models import CollectionCount as CollectionCount
    from themis._generated.models import JoinToken as JoinToken
    from themis._generated.models import JoinTokenCreated as JoinTokenCreated
    from themis._generated.models import LeaderTransferred as LeaderTransferred
    from themis._generated.models import Namespace as Namespace
    from themis._generated.models import NodeChanged as NodeChanged
    from themis._generated.models import NodeRemoved as NodeRemoved
    from themis._generated.models import ReplicasSet as ReplicasSet
    from themis._generated.models import ReplicaStatus as ReplicaStatus
    from themis._generated.models import ShardChanged as ShardChanged
    from themis._generated.models import Topology as Topology
    from themis._generated.models import UnreachableNode as UnreachableNode
    from themis._generated.models import VersionInfo as VersionInfo
    from themis.async_client import AsyncThemisClient as AsyncThemisClient
    from themis.batch_result import BatchFailure as BatchFailure
    from themis.batch_result import BatchGetResult as BatchGetResult
    from themis.batch_result import BatchResult as BatchResult
    from themis.client import ThemisClient as ThemisClient
    from themis.cluster import NodeHealth as NodeHealth
    from themis.entities import NOT_MODIFIED as NOT_MODIFIED
    from themis.entities import Entity as Entity
    from themis.entities import WriteResult as WriteResult
    from themis.errors import AlreadyExists as AlreadyExists
    from themis.errors import ApiError as ApiError
    from themis.errors import BadRequest as BadRequest
    from themis.errors import BatchError as BatchError
    from themis.errors import ClientClosed as ClientClosed
    from themis.errors import CollectionNotFound as CollectionNotFound
    from themis.errors import ConfigurationError as ConfigurationError
    from themis.errors import Conflict as Conflict
    from themis.errors import DiskFull as DiskFull
    from themis.errors import EncodingError as EncodingError
    from themis.errors import EntityNotFound as EntityNotFound
    from themis.errors import Forbidden as Forbidden
    from themis.errors import IdempotencyKeyReused as IdempotencyKeyReused
    from themis.errors import LagExceeded as LagExceeded
    from themis.errors import ModelMismatch as ModelMismatch
    from themis.errors import NamespaceNotEmpty as NamespaceNotEmpty
    from themis.errors import NamespaceNotFound as NamespaceNotFound
    from themis.errors import NotFound as NotFound
    from themis.errors import OutcomeUnknown as OutcomeUnknown
    from themis.errors import PreconditionFailed as PreconditionFailed
    from themis.errors import ServerError as ServerError
    from themis.errors import SessionNotReached as SessionNotReached
    from themis.errors import ThemisError as ThemisError
    from themis.errors import TimeoutError as TimeoutError
    from themis.errors import TooLarge as TooLarge
    from themis.errors import TooManyRequests as TooManyRequests
    from themis.errors import TransportError as TransportError
    from themis.errors import Unauthorized as Unauthorized
    from themis.errors import Unavailable as Unavailable
    from themis.errors import WrongShard as WrongShard
    from themis.hooks import Hooks as Hooks
    from themis.hooks import RequestEnd as RequestEnd
    from themis.hooks import RequestRetry as RequestRetry
    from themis.hooks import RequestStart as RequestStart
    from themis.listing import AsyncEntityIterator as AsyncEntityIterator
    from themis.listing import EntityIterator as EntityIterator
    from themis.listing import ListedEntity as ListedEntity
    from themis.placement import TokenTable as TokenTable
    from themis.placement import key_hash as key_hash
    from themis.retry import RetryBudget as RetryBudget
    from themis.retry import RetryPolicy as RetryPolicy
    from themis.transport import TlsOptions as TlsOptions
    from themis.urn import InvalidUrn as InvalidUrn
    from themis.urn import Urn as Urn

__all__ = [
    "NOT_MODIFIED",
    "AdminMetrics",
    "AdminTopology",
    "AlreadyExists",
    "ApiError",
    "AsyncEntityIterator",
    "AsyncThemisClient",
    "BadRequest",
    "BatchError",
    "BatchFailure",
    "BatchGetResult",
    "BatchResult",
    "ClientClosed",
    "ClusterNode",
    "ClusterNodeDetail",
    "ClusterNodeList",
    "ClusterShard",
    "ClusterShardList",
    "ClusterStatus",
    "Collection",
    "CollectionCount",
    "CollectionNotFound",
    "ConfigurationError",
    "Conflict",
    "DiskFull",
    "EncodingError",
    "Entity",
    "EntityIterator",
    "EntityNotFound",
    "ErrorCode",
    "Forbidden",
    "Hooks",
    "IdempotencyKeyReused",
    "InvalidUrn",
    "JoinToken",
    "JoinTokenCreated",
    "LagExceeded",
    "LeaderTransferred",
    "ListedEntity",
    "ModelMismatch",
    "Namespace",
    "NamespaceNotEmpty",
    "NamespaceNotFound",
    "NodeChanged",
    "NodeHealth",
    "NodeRemoved",
    "NotFound",
    "OutcomeUnknown",
    "PreconditionFailed",
    "ReplicaStatus",
    "ReplicasSet",
    "RequestEnd",
    "RequestRetry",
    "RequestStart",
    "RetryBudget",
    "RetryPolicy",
    "ServerError",
    "SessionNotReached",
    "ShardChanged",
    "ThemisClient",
    "ThemisError",
    "TimeoutError",
    "TlsOptions",
    "TokenTable",
    "TooLarge",
    "TooManyRequests",
    "Topology",
    "TransportError",
    "Unauthorized",
    "Unavailable",
    "UnreachableNode",
    "Urn",
    "VersionInfo",
    "WriteResult",
    "WrongShard",
    "key_hash",
]

__version__ = "0.1.0"

_MODULES = {
    "_generated.errors": ["ErrorCode"],
    "_generated.models": [
        "AdminMetrics", "AdminTopology", "ClusterNode", "ClusterNodeDetail", "ClusterNodeList", "ClusterShard",
        "ClusterShardList", "ClusterStatus", "Collection", "CollectionCount", "JoinToken", "JoinTokenCreated",
        "LeaderTransferred", "Namespace", "NodeChanged", "NodeRemoved", "ReplicaStatus", "ReplicasSet",
        "ShardChanged", "Topology", "UnreachableNode", "VersionInfo",
    ],
    "async_client": ["AsyncThemisClient"],
    "batch_result": ["BatchFailure", "BatchGetResult", "BatchResult"],
    "client": ["ThemisClient"],
    "cluster": ["NodeHealth"],
    "entities": ["NOT_MODIFIED", "Entity", "WriteResult"],
    "errors": [
        "AlreadyExists", "ApiError", "BadRequest", "BatchError", "ClientClosed", "CollectionNotFound",
        "ConfigurationError", "Conflict", "DiskFull", "EncodingError", "EntityNotFound", "Forbidden",
        "IdempotencyKeyReused", "LagExceeded", "ModelMismatch", "NamespaceNotEmpty", "NamespaceNotFound", "NotFound",
        "OutcomeUnknown", "PreconditionFailed", "ServerError", "SessionNotReached", "ThemisError", "TimeoutError",
        "TooLarge", "TooManyRequests", "TransportError", "Unauthorized", "Unavailable", "WrongShard",
    ],
    "hooks": ["Hooks", "RequestEnd", "RequestRetry", "RequestStart"],
    "listing": ["AsyncEntityIterator", "EntityIterator", "ListedEntity"],
    "placement": ["TokenTable", "key_hash"],
    "retry": ["RetryBudget", "RetryPolicy"],
    "transport": ["TlsOptions"],
    "urn": ["InvalidUrn", "Urn"],
}  # fmt: skip
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name from its module, once."""
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
