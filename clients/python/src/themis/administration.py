"""What an operator sees and changes, as flows: nodes, shards, replicas, join tokens.

All of these may be repeated (none takes an idempotency key): a change that is there already is made by doing nothing.
What removes or revokes is told so by a 404 when it is repeated.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from themis._generated.models import (
    AdminMetrics,
    AdminTopology,
    ClusterNodeDetail,
    ClusterNodeList,
    ClusterShard,
    ClusterShardList,
    ClusterStatus,
    JoinToken,
    JoinTokenCreate,
    JoinTokenCreated,
    JoinTokenList,
    JoinTokenRevoked,
    LeaderTransfer,
    LeaderTransferred,
    NodeChanged,
    NodeRemoved,
    ReplicaReplacement,
    ReplicasSet,
    ReplicasTarget,
    ShardChanged,
)
from themis.collections import change, fetch, path, with_query
from themis.core import Core
from themis.flow import Flow
from themis.options import check_name

__all__: list[str] = []

_T = TypeVar("_T")


def topology(core: Core, timeout_s: float | None) -> Flow[AdminTopology]:
    """GET /api/admin/topology."""
    return fetch(core, "adminTopology", path("adminTopology"), AdminTopology, timeout_s)


def metrics(core: Core, node_id: str | None, timeout_s: float | None) -> Flow[AdminMetrics]:
    """GET /api/admin/metrics."""
    of = [] if node_id is None else [f"node_id={_node(node_id)}"]
    return fetch(core, "adminMetrics", with_query(path("adminMetrics"), of), AdminMetrics, timeout_s)


def status(core: Core, timeout_s: float | None) -> Flow[ClusterStatus]:
    """GET /api/admin/status."""
    return fetch(core, "adminStatus", path("adminStatus"), ClusterStatus, timeout_s)


# Nodes


def nodes(core: Core, timeout_s: float | None) -> Flow[ClusterNodeList]:
    """GET /api/admin/nodes."""
    return fetch(core, "adminNodes", path("adminNodes"), ClusterNodeList, timeout_s)


def node(core: Core, node_id: str, timeout_s: float | None) -> Flow[ClusterNodeDetail]:
    """GET /api/admin/nodes/{node_id}."""
    return fetch(core, "adminNode", path("adminNode", node_id=_node(node_id)), ClusterNodeDetail, timeout_s)


def remove_node(core: Core, node_id: str, force: bool, timeout_s: float | None) -> Flow[NodeRemoved]:
    """DELETE /api/admin/nodes/{node_id}."""
    target = with_query(path("adminRemoveNode", node_id=_node(node_id)), ["force=true"] if force else [])
    return _change(core, "adminRemoveNode", target, None, NodeRemoved, timeout_s)


def drain_node(core: Core, node_id: str, timeout_s: float | None) -> Flow[NodeChanged]:
    """POST /api/admin/nodes/{node_id}/drain."""
    return _change(core, "adminDrainNode", path("adminDrainNode", node_id=_node(node_id)), None, NodeChanged, timeout_s)


def undrain_node(core: Core, node_id: str, timeout_s: float | None) -> Flow[NodeChanged]:
    """POST /api/admin/nodes/{node_id}/undrain."""
    target = path("adminUndrainNode", node_id=_node(node_id))
    return _change(core, "adminUndrainNode", target, None, NodeChanged, timeout_s)


# Shards


def shards(core: Core, timeout_s: float | None) -> Flow[ClusterShardList]:
    """GET /api/admin/shards."""
    return fetch(core, "adminShards", path("adminShards"), ClusterShardList, timeout_s)


def shard(core: Core, shard_id: str, timeout_s: float | None) -> Flow[ClusterShard]:
    """GET /api/admin/shards/{shard_id}."""
    return fetch(core, "adminShard", path("adminShard", shard_id=_shard(shard_id)), ClusterShard, timeout_s)


def transfer_leader(core: Core, shard_id: str, to: str | None, timeout_s: float | None) -> Flow[LeaderTransferred]:
    """POST /api/admin/shards/{shard_id}/transfer-leader."""
    target = path("adminTransferLeader", shard_id=_shard(shard_id))
    body = LeaderTransfer(target=None if to is None else _node(to))
    return _change(core, "adminTransferLeader", target, body, LeaderTransferred, timeout_s)


def replace_replica(
    core: Core, shard_id: str, source: str, to: str | None, timeout_s: float | None
) -> Flow[ShardChanged]:
    """POST /api/admin/shards/{shard_id}/replace-replica."""
    target = path("adminReplaceReplica", shard_id=_shard(shard_id))
    body = ReplicaReplacement(source=_node(source), target=None if to is None else _node(to))
    return _change(core, "adminReplaceReplica", target, body, ShardChanged, timeout_s)


def set_replicas(core: Core, replicas: int, timeout_s: float | None) -> Flow[ReplicasSet]:
    """PUT /api/admin/replicas."""
    body = ReplicasTarget(replicas=replicas)
    return _change(core, "adminSetReplicas", path("adminSetReplicas"), body, ReplicasSet, timeout_s)


# Join tokens


def join_tokens(core: Core, timeout_s: float | None) -> Flow[list[JoinToken]]:
    """GET /api/admin/join-tokens."""
    found = yield from fetch(core, "adminJoinTokens", path("adminJoinTokens"), JoinTokenList, timeout_s)
    return found.items


def create_join_token(
    core: Core, ttl_s: int | None, description: str | None, timeout_s: float | None
) -> Flow[JoinTokenCreated]:
    """POST /api/admin/join-tokens."""
    body = JoinTokenCreate(ttl_s=ttl_s, description=description)
    return _change(core, "adminCreateJoinToken", path("adminCreateJoinToken"), body, JoinTokenCreated, timeout_s)


def revoke_join_token(core: Core, token_id: str, timeout_s: float | None) -> Flow[str]:
    """DELETE /api/admin/join-tokens/{token_id}."""
    target = path("adminRevokeJoinToken", token_id=check_name(token_id, "id of a join token"))
    revoked = yield from _change(core, "adminRevokeJoinToken", target, None, JoinTokenRevoked, timeout_s)
    return revoked.revoked


def _change(
    core: Core, operation_id: str, target: str, body: msgspec.Struct | None, kind: type[_T], timeout_s: float | None
) -> Flow[_T]:
    return change(core, operation_id, target, body, kind, False, timeout_s)


def _node(node_id: str) -> str:
    return check_name(node_id, "id of a node")


def _shard(shard_id: str) -> str:
    return check_name(shard_id, "id of a shard")
