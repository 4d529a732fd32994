"""What operators ask of the cluster and do with it: nodes, shards, leaders, replicas, join tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from themis_server._generated import models
from themis_server.api.answer import Answer
from themis_server.api.call import Call
from themis_server.api.codec import decode_body
from themis_server.api.routes import Handler
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway.cluster import ClusterOperations, NodeState
from themis_server.gateway.join_tokens import JoinTokens, StoredToken
from themis_server.gateway.node_calls import Unreachable
from themis_server.gateway.routing import METADATA
from themis_server.gateway.shard_state import ReplicaState, ShardState, raft_state
from themis_server.metadata.topology import ReplicaPlace, Topology, shard_id
from themis_server.replication.views import GroupStatus

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
_transfer = msgspec.json.Decoder(models.LeaderTransfer)
_replacement = msgspec.json.Decoder(models.ReplicaReplacement)
_replicas = msgspec.json.Decoder(models.ReplicasTarget)
_token = msgspec.json.Decoder(models.JoinTokenCreate)


class ClusterHandlers:
    """Serves operators."""

    def __init__(
        self, node_id: str, cluster: str, operations: ClusterOperations, tokens: JoinTokens, *, strict_json: bool
    ) -> None:
        """Prepare; `cluster` is the name of the cluster, `node_id` that of this node."""
        self._node_id = node_id
        self._cluster = cluster
        self._operations = operations
        self._tokens = tokens
        self._strict_json = strict_json

    def handlers(self) -> Mapping[str, Handler]:
        """Return operationId -> handler."""
        return {
            "adminStatus": self.status,
            "adminNodes": self.nodes,
            "adminNode": self.node,
            "adminRemoveNode": self.remove_node,
            "adminDrainNode": self.drain_node,
            "adminUndrainNode": self.undrain_node,
            "adminShards": self.shards,
            "adminShard": self.shard,
            "adminTransferLeader": self.transfer_leader,
            "adminReplaceReplica": self.replace_replica,
            "adminSetReplicas": self.set_replicas,
            "adminJoinTokens": self.join_tokens,
            "adminCreateJoinToken": self.create_join_token,
            "adminRevokeJoinToken": self.revoke_join_token,
        }

    # The whole

    async def status(self, call: Call) -> Answer:
        """Answer one look at everything."""
        call.query()
        state = await self._operations.state()
        topology, leader = state.topology, state.metadata_leader
        body = models.ClusterStatus(
            cluster=self._cluster,
            node_id=self._node_id,
            epoch=topology.epoch,
            replicas=topology.replicas,
            coordinator=state.coordinator,
            nodes=_counts(health.health for health in state.nodes.values()),
            shards=_counts(state.shards.values()),
            metadata=models.MetadataStatus(
                store=state.metadata.store,  # type: ignore[arg-type]  # one of two words, by configuration
                available=state.metadata.why_not is None,
                leader=None if leader is None else leader.node_id,
                members=_places(topology.metadata),
                why=state.metadata.why_not,
            ),
            unsettled=list(state.unsettled),
            findings=list(state.findings),
            unreachable=unreachable_nodes(state.unreachable),
        )
        return Answer(200, _encode(body))

    # Nodes

    async def nodes(self, call: Call) -> Answer:
        """List the nodes."""
        call.query()
        items = [_node(state) for state in await self._operations.nodes()]
        return Answer(200, _encode(models.ClusterNodeList(epoch=self._operations.epoch, items=items)))

    async def node(self, call: Call) -> Answer:
        """Describe a node, by its own words too if it answers."""
        call.query()
        (node_id,) = call.path_values()
        state = await self._operations.node(node_id)
        details = None
        if state.status is not None:
            groups = sorted((_group(state.node.raft_id, facts) for facts in state.status.groups), key=_by_shard)
            details = models.NodeDetails(uptime_s=state.status.uptime_s, groups=groups)
        body = models.ClusterNodeDetail(epoch=self._operations.epoch, node=_node(state), details=details)
        return Answer(200, _encode(body))

    async def remove_node(self, call: Call) -> Answer:
        """Remove a node, with `force` also while it holds replicas."""
        force = bool(call.query().get("force", False))
        (node_id,) = call.path_values()
        topology = await self._operations.remove(node_id, force=force)
        return Answer(200, _encode(models.NodeRemoved(removed=node_id, epoch=topology.epoch)))

    async def drain_node(self, call: Call) -> Answer:
        """Begin to move everything off a node."""
        call.query()
        (node_id,) = call.path_values()
        return _changed(node_id, await self._operations.drain(node_id))

    async def undrain_node(self, call: Call) -> Answer:
        """Let a node that is leaving stay."""
        call.query()
        (node_id,) = call.path_values()
        return _changed(node_id, await self._operations.undrain(node_id))

    # Shards

    async def shards(self, call: Call) -> Answer:
        """List the shards with their replicas."""
        call.query()
        states, silent = await self._operations.shards()
        body = models.ClusterShardList(
            epoch=self._operations.epoch,
            items=[_shard(state) for state in states],
            unreachable=unreachable_nodes(silent),
        )
        return Answer(200, _encode(body))

    async def shard(self, call: Call) -> Answer:
        """Describe a shard."""
        call.query()
        (name,) = call.path_values()
        return Answer(200, _encode(_shard(await self._operations.shard(name))))

    async def transfer_leader(self, call: Call) -> Answer:
        """Move the leader of a shard."""
        call.query()
        (name,) = call.path_values()
        body = decode_body(_transfer, await call.body(), strict=self._strict_json)
        leader = await self._operations.transfer_leader(name, _given(body.target))
        answer = models.LeaderTransferred(shard_id=name, leader=leader.node_id, leader_term=leader.term)
        return Answer(200, _encode(answer))

    async def replace_replica(self, call: Call) -> Answer:
        """Move a replica of a shard to another node."""
        call.query()
        (name,) = call.path_values()
        body = decode_body(_replacement, await call.body(), strict=self._strict_json)
        shard = await self._operations.replace_replica(name, body.source, _given(body.target))
        answer = models.ShardChanged(shard_id=name, epoch=self._operations.epoch, replicas=_places(shard.replicas))
        return Answer(200, _encode(answer))

    async def set_replicas(self, call: Call) -> Answer:
        """Set how many replicas each shard shall have."""
        call.query()
        body = decode_body(_replicas, await call.body(), strict=self._strict_json)
        topology = await self._operations.set_replicas(body.replicas)
        return Answer(200, _encode(models.ReplicasSet(replicas=topology.replicas, epoch=topology.epoch)))

    # Join tokens

    async def join_tokens(self, call: Call) -> Answer:
        """List the join tokens."""
        call.query()
        items = [models.JoinToken(**_kept(token)) for token in await self._tokens.live()]
        return Answer(200, _encode(models.JoinTokenList(items=items)))

    async def create_join_token(self, call: Call) -> Answer:
        """Make a join token; nothing but this answer has the secret."""
        call.query()
        body = decode_body(_token, await call.body(), strict=self._strict_json)
        made = await self._tokens.create(_given(body.ttl_s), _given(body.description) or "")
        answer = models.JoinTokenCreated(token=made.secret, **_kept(made.kept))
        return Answer(201, _encode(answer), "Cache-Control: no-store\r\n")

    async def revoke_join_token(self, call: Call) -> Answer:
        """Revoke a join token."""
        call.query()
        (token_id,) = call.path_values()
        await self._tokens.revoke(token_id)
        return Answer(200, _encode(models.JoinTokenRevoked(revoked=token_id)))


def unreachable_nodes(silent: Iterable[Unreachable]) -> list[models.UnreachableNode] | None:
    """Return the nodes that did not answer, as they are named to operators; None if there is none."""
    named = [models.UnreachableNode(node_id=node.node_id, since=_time_if_known(node.since_ms)) for node in silent]
    return named or None


def _given(value: T | msgspec.UnsetType) -> T | None:
    return None if isinstance(value, msgspec.UnsetType) else value


def _time(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


def _time_if_known(unix_ms: int | None) -> datetime | None:
    return None if unix_ms is None else _time(unix_ms)


def _counts(healths: Iterable[str]) -> models.HealthCounts:
    known = list(healths)
    return models.HealthCounts(
        total=len(known),
        healthy=known.count("healthy"),
        degraded=known.count("degraded"),
        down=known.count("down"),
    )


def _places(places: Iterable[ReplicaPlace]) -> list[models.Replica]:
    return [models.Replica(node_id=place.node_id, role=place.role) for place in places]


def _node(state: NodeState) -> models.ClusterNode:
    node, status, report = state.node, state.status, state.report
    free_bytes = status.disk_free_bytes if status is not None else None if report is None else report.disk_free_bytes
    since_ms = None if state.unreachable is None else state.unreachable.since_ms
    return models.ClusterNode(
        node_id=node.node_id,
        endpoint=node.endpoint,
        peer=node.peer,
        datacenter=node.datacenter,
        rack=node.rack,
        kind=node.kind,
        state=node.state,
        health=state.health.health,
        reasons=list(state.health.reasons),
        version=node.version,
        reachable=status is not None,
        replicas=models.ReplicaCounts(
            voters=state.voters, learners=state.learners, leaders=state.leaders, lagging=state.lagging
        ),
        unreachable_since=_time_if_known(since_ms),
        disk=None if free_bytes is None else models.DiskStatus(free_bytes=free_bytes),
    )


def _group(raft_id: int, facts: GroupStatus) -> models.NodeGroup:
    role = "learner" if raft_id in facts.learners else "voter"
    return models.NodeGroup(
        shard_id=shard_id(facts.group) if facts.group else METADATA,
        role=role,  # type: ignore[arg-type]  # one of two words
        state=raft_state(facts, role),
        term=facts.term,
        applied=facts.applied,
        commit=facts.commit,
        log_bytes=facts.log_bytes,
    )


def _by_shard(group: models.NodeGroup) -> str:
    return group.shard_id


def _shard(state: ShardState) -> models.ClusterShard:
    leader = state.leader
    return models.ClusterShard(
        shard_id=state.shard_id,
        health=state.health,
        leader=None if leader is None else leader.node_id,
        replicas=[_replica(replica) for replica in state.replicas],
        leader_term=None if leader is None else leader.term,
        commit=state.commit,
        settled=state.settled,
    )


def _replica(replica: ReplicaState) -> models.ReplicaStatus:
    return models.ReplicaStatus(
        node_id=replica.node_id,
        role=replica.role,
        wanted=replica.wanted,
        state=replica.state,
        match=replica.match,
        lag_entries=replica.lag_entries,
        applied=replica.applied,
    )


def _changed(node_id: str, topology: Topology) -> Answer:
    node = topology.node(node_id)
    if node is None:
        raise ThemisServerError(ErrorCode.NODE_NOT_FOUND, f"{node_id} was removed meanwhile")
    return Answer(200, _encode(models.NodeChanged(node_id=node_id, state=node.state, epoch=topology.epoch)))


def _kept(token: StoredToken) -> dict[str, Any]:
    return {
        "token_id": token.token_id,
        "description": token.description,
        "created_at": _time(token.created_ms),
        "expires_at": _time(token.expires_ms),
    }
