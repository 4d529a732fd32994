"""The operator's part of `ThemisClient`: methods without state of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

from themis import administration
from themis._generated.models import (
    AdminMetrics,
    AdminTopology,
    ClusterNodeDetail,
    ClusterNodeList,
    ClusterShard,
    ClusterShardList,
    ClusterStatus,
    JoinToken,
    JoinTokenCreated,
    LeaderTransferred,
    NodeChanged,
    NodeRemoved,
    ReplicasSet,
    ShardChanged,
)
from themis.core import Core
from themis.flow import Flow

__all__ = ["AdminMethods"]

_T = TypeVar("_T")


class AdminMethods(ABC):
    """What `ThemisClient` can do with nodes, shards, replicas and join tokens."""

    _core: Core

    @abstractmethod
    def _run(self, flow: Flow[_T]) -> _T:
        """Drive a flow to its end."""

    def admin_topology(self, *, timeout: float | None = None) -> AdminTopology:
        """The shards as an operator sees them: health, ranges, key counts."""
        return self._run(administration.topology(self._core, timeout))

    def admin_metrics(self, *, node_id: str | None = None, timeout: float | None = None) -> AdminMetrics:
        """The figures of one node for a dashboard: the one that answers, or the one named."""
        return self._run(administration.metrics(self._core, node_id, timeout))

    def admin_status(self, *, timeout: float | None = None) -> ClusterStatus:
        """The state of the cluster: nodes and shards by health, the metadata, and what an operator should look at."""
        return self._run(administration.status(self._core, timeout))

    # Nodes

    def admin_nodes(self, *, timeout: float | None = None) -> ClusterNodeList:
        """The nodes: where they are, how they are, what they hold."""
        return self._run(administration.nodes(self._core, timeout))

    def admin_node(self, node_id: str, *, timeout: float | None = None) -> ClusterNodeDetail:
        """A node, and what it says of itself; raises NotFound."""
        return self._run(administration.node(self._core, node_id, timeout))

    def admin_remove_node(self, node_id: str, *, force: bool = False, timeout: float | None = None) -> NodeRemoved:
        """Remove a drained node for good; with `force` any, for one that will never come back.

        Raises NotFound (where it was tried more than once: perhaps because it is done), and Conflict while it holds
        what no other node has.
        """
        return self._run(administration.remove_node(self._core, node_id, force, timeout))

    def admin_drain_node(self, node_id: str, *, timeout: float | None = None) -> NodeChanged:
        """Move everything off a node. It is drained when `replicas` of `admin_node` are all 0."""
        return self._run(administration.drain_node(self._core, node_id, timeout))

    def admin_undrain_node(self, node_id: str, *, timeout: float | None = None) -> NodeChanged:
        """Let a node that is leaving stay."""
        return self._run(administration.undrain_node(self._core, node_id, timeout))

    # Shards

    def admin_shards(self, *, timeout: float | None = None) -> ClusterShardList:
        """The shards with their leaders, and how far each of their replicas is."""
        return self._run(administration.shards(self._core, timeout))

    def admin_shard(self, shard_id: str, *, timeout: float | None = None) -> ClusterShard:
        """One shard with its replicas; raises NotFound."""
        return self._run(administration.shard(self._core, shard_id, timeout))

    def admin_transfer_leader(
        self, shard_id: str, target: str | None = None, *, timeout: float | None = None
    ) -> LeaderTransferred:
        """Move the leader of a shard to the node `target`, or to the voter that is furthest.

        Returns when it leads. Raises Conflict where that cannot be.
        """
        return self._run(administration.transfer_leader(self._core, shard_id, target, timeout))

    def admin_replace_replica(
        self, shard_id: str, source: str, target: str | None = None, *, timeout: float | None = None
    ) -> ShardChanged:
        """Move a replica of a shard from the node `source` to `target`, or to where the cluster chooses.

        Complete when `settled` of `admin_shard` is true. Raises Conflict where that cannot be.
        """
        return self._run(administration.replace_replica(self._core, shard_id, source, target, timeout))

    def admin_set_replicas(self, replicas: int, *, timeout: float | None = None) -> ReplicasSet:
        """Set how many voting replicas a shard shall have. `unsettled` of `admin_status` says which are on the way."""
        return self._run(administration.set_replicas(self._core, replicas, timeout))

    # Join tokens

    def admin_join_tokens(self, *, timeout: float | None = None) -> list[JoinToken]:
        """The join tokens that are good, without their secrets."""
        return self._run(administration.join_tokens(self._core, timeout))

    def admin_create_join_token(
        self, *, ttl_s: int | None = None, description: str | None = None, timeout: float | None = None
    ) -> JoinTokenCreated:
        """Make a join token, good for `ttl_s` seconds (else a day). Its `token` is a secret, and not shown again."""
        return self._run(administration.create_join_token(self._core, ttl_s, description, timeout))

    def admin_revoke_join_token(self, token_id: str, *, timeout: float | None = None) -> str:
        """Revoke a join token; returns its id. Raises NotFound (tried more than once: perhaps because it is done)."""
        return self._run(administration.revoke_join_token(self._core, token_id, timeout))
