"""The 42 operations of the API: method, path, and what a request's path means."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["OPERATIONS", "Operation", "Route", "allowed_methods", "find_route"]


class Operation(NamedTuple):
    """An operation: its operationId, how it is asked for, what its query may have, and how large its body may be.

    `writes`: it changes data and takes an Idempotency-Key.
    """

    operation_id: str
    method: str
    path: str
    query: tuple[str, ...] = ()
    body: str = ""
    writes: bool = False


_READ: Final = ("consistency", "max_lag_ms")
_PAGE: Final = ("limit", "cursor")
_NAMESPACE: Final = "/namespaces/{namespace}"
_NODE: Final = "/api/admin/nodes/{node_id}"
_SHARD: Final = "/api/admin/shards/{shard_id}"
_COLLECTION: Final = "/namespaces/{namespace}/collections/{collection}"

_ALL: Final = (
    Operation("getEntity", "GET", "/entity/{urn}", _READ),
    Operation("headEntity", "HEAD", "/entity/{urn}", _READ),
    Operation("putEntity", "PUT", "/entity/{urn}", body="entity", writes=True),
    Operation("patchEntity", "PATCH", "/entity/{urn}", body="entity", writes=True),
    Operation("deleteEntity", "DELETE", "/entity/{urn}", writes=True),
    Operation("batchGet", "POST", "/batch/get", _READ, body="batch"),
    Operation("batchPut", "POST", "/batch/put", body="batch", writes=True),
    Operation("batchDelete", "POST", "/batch/delete", body="batch", writes=True),
    Operation("listNamespaces", "GET", "/namespaces", _PAGE),
    Operation("createNamespace", "POST", "/namespaces", body="small", writes=True),
    Operation("getNamespace", "GET", _NAMESPACE),
    Operation("alterNamespace", "PATCH", _NAMESPACE, body="small", writes=True),
    Operation("dropNamespace", "DELETE", _NAMESPACE, ("force",), writes=True),
    Operation("listCollections", "GET", f"{_NAMESPACE}/collections", _PAGE),
    Operation("createCollection", "POST", f"{_NAMESPACE}/collections", body="small", writes=True),
    Operation("getCollection", "GET", _COLLECTION),
    Operation("alterCollection", "PATCH", _COLLECTION, body="small", writes=True),
    Operation("dropCollection", "DELETE", _COLLECTION, writes=True),
    Operation("countCollection", "GET", f"{_COLLECTION}/count", _READ),
    Operation("listEntities", "GET", f"{_COLLECTION}/entities", (*_PAGE, "include", *_READ)),
    Operation("getTopology", "GET", "/topology", ("after_epoch", "wait_ms")),
    Operation("getVersion", "GET", "/version"),
    Operation("getLive", "GET", "/health/live"),
    Operation("getReady", "GET", "/health/ready"),
    Operation("getMetrics", "GET", "/metrics"),
    Operation("getOpenapi", "GET", "/openapi.json"),
    Operation("adminTopology", "GET", "/api/admin/topology"),
    Operation("adminMetrics", "GET", "/api/admin/metrics", ("node_id",)),
    Operation("adminStatus", "GET", "/api/admin/status"),
    Operation("adminNodes", "GET", "/api/admin/nodes"),
    Operation("adminNode", "GET", _NODE),
    Operation("adminRemoveNode", "DELETE", _NODE, ("force",)),
    Operation("adminDrainNode", "POST", f"{_NODE}/drain"),
    Operation("adminUndrainNode", "POST", f"{_NODE}/undrain"),
    Operation("adminShards", "GET", "/api/admin/shards"),
    Operation("adminShard", "GET", _SHARD),
    Operation("adminTransferLeader", "POST", f"{_SHARD}/transfer-leader", body="small"),
    Operation("adminReplaceReplica", "POST", f"{_SHARD}/replace-replica", body="small"),
    Operation("adminSetReplicas", "PUT", "/api/admin/replicas", body="small"),
    Operation("adminJoinTokens", "GET", "/api/admin/join-tokens"),
    Operation("adminCreateJoinToken", "POST", "/api/admin/join-tokens", body="small"),
    Operation("adminRevokeJoinToken", "DELETE", "/api/admin/join-tokens/{token_id}"),
)

OPERATIONS: Final = {operation.operation_id: operation for operation in _ALL}


class Route(NamedTuple):
    """What a method and a path mean: an operation, and the parameters in the path, as they were sent."""

    operation: Operation
    parameters: dict[str, str]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\?\{(\w+)\\?\}", r"(?P<\1>[^/]*)", re.escape(path)))


_PATHS: Final = [(_pattern(path), path) for path in dict.fromkeys(operation.path for operation in _ALL)]
_BY_PATH: Final = {
    path: {operation.method: operation for operation in _ALL if operation.path == path} for _, path in _PATHS
}


def _match(path: str) -> tuple[dict[str, Operation], dict[str, str]] | None:
    for pattern, template in _PATHS:
        found = pattern.fullmatch(path)
        if found:
            return _BY_PATH[template], found.groupdict()
    return None


def find_route(method: str, path: str) -> Route | None:
    """The operation of a request, None if there is none."""
    found = _match(path)
    if found is None or method not in found[0]:
        return None
    return Route(found[0][method], found[1])


def allowed_methods(path: str) -> list[str]:
    """The methods that a path has, none if no operation has the path."""
    found = _match(path)
    return list(found[0]) if found else []
