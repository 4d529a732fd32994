"""The bodies of requests and answers, as spec/openapi.yaml declares them. Generated: do not edit.

Unknown members of an answer are ignored, and its values are not checked: a newer server may say more.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

__all__ = [
    "AdminMetrics",
    "AdminShard",
    "AdminTopology",
    "BatchDeleteRequest",
    "BatchGetRequest",
    "BatchItem",
    "BatchPutRequest",
    "BatchResponse",
    "ClusterNode",
    "ClusterNodeDetail",
    "ClusterNodeList",
    "ClusterShard",
    "ClusterShardList",
    "ClusterStatus",
    "Collection",
    "CollectionAlter",
    "CollectionCount",
    "CollectionCreate",
    "CollectionList",
    "CollectionOptions",
    "CollectionOptionsChange",
    "DeleteItem",
    "DiskStatus",
    "Document",
    "Dropped",
    "EntityList",
    "Figures",
    "Health",
    "HealthCounts",
    "ItemError",
    "JoinToken",
    "JoinTokenCreate",
    "JoinTokenCreated",
    "JoinTokenList",
    "JoinTokenRevoked",
    "LeaderTransfer",
    "LeaderTransferred",
    "ListedEntity",
    "MergePatch",
    "MetadataStatus",
    "Model",
    "Namespace",
    "NamespaceAlter",
    "NamespaceCreate",
    "NamespaceList",
    "NamespaceOptions",
    "NamespaceOptionsChange",
    "Node",
    "NodeChanged",
    "NodeDetails",
    "NodeGroup",
    "NodeRemoved",
    "OpenapiDocument",
    "OperationFigures",
    "Point",
    "Problem",
    "PutItem",
    "Replica",
    "ReplicaCounts",
    "ReplicaReplacement",
    "ReplicaStatus",
    "ReplicasSet",
    "ReplicasTarget",
    "Shard",
    "ShardChanged",
    "ShardCount",
    "TokenRange",
    "Topology",
    "UnreachableNode",
    "VersionInfo",
    "WriteResult",
]

Model: TypeAlias = Literal["relational", "document", "graph", "vector", "timeseries"]
"""The data model of a collection."""

Document: TypeAlias = dict[str, Any]
"""A JSON object. Its members are the user's, except `_key`, `_id` and `_rev` at the top, which are reserved.
Integers must fit 64 bits; nesting is limited to 64 levels. The bytes are kept as sent, white space aside.
"""

MergePatch: TypeAlias = dict[str, Any]
"""A JSON Merge Patch (RFC 7396). null removes a member."""

OpenapiDocument: TypeAlias = dict[str, Any]
"""An OpenAPI 3.1 document."""

Figures: TypeAlias = dict[str, Any]
"""Figures by name, the unit last in the name. Names may be added at any time."""


class WriteResult(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """The outcome of a write."""

    urn: str
    """The URN, normalised."""

    version: int
    """The version that this write gave to the entity."""


class BatchGetRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to read."""

    urns: list[str]
    """The entities to read. A URN may occur twice; it is then answered twice."""


class PutItem(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One entity to write."""

    urn: str
    """Its URN."""

    doc: Document
    """Its document."""

    if_match: int | None = None
    """The version that the entity must have; 0 if it must not exist."""


class BatchPutRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to write."""

    items: list[PutItem]
    """The entities to write."""


class DeleteItem(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One entity to delete."""

    urn: str
    """Its URN."""

    if_match: int | None = None
    """The version that the entity must have. 0 ("must not exist") is accepted, but never deletes anything."""


class BatchDeleteRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to delete. Exactly one of `urns` and `items`."""

    urns: list[str] | None = None
    """The entities to delete whatever version they have."""

    items: list[DeleteItem] | None = None
    """The entities to delete, with conditions."""


class ItemError(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """Why one item of a batch failed; the members have the meanings they have in a Problem."""

    code: str
    """The stable code."""

    status: int
    """The HTTP status this failure has on its own."""

    title: str
    """The short name of the code."""

    detail: str
    """What happened this time."""

    retryable: bool
    """Whether the item may be sent again as it is."""

    version: int | None | msgspec.UnsetType = msgspec.UNSET
    """With precondition_failed, the current version; null if there is no entity."""

    pointer: str | None = None
    """Where in the document, as a JSON pointer (RFC 6901)."""

    position: int | None = None
    """Where in the URN or in the JSON text."""

    limit: int | None = None
    """The limit that was passed."""

    expected: str | None = None
    """What was expected."""

    owner: str | None = None
    """The endpoint of the owner of the key."""

    epoch: int | None = None
    """The epoch of the topology that says so."""

    retry_after_s: int | None = None
    """After how many seconds to try again."""

    lag_ms: int | None = None
    """The least lag that a replica could prove in milliseconds."""


class BatchItem(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The outcome of one item; it has either `version` (and `doc`, if it was read) or `error`."""

    urn: str
    """The URN, normalised; as it was sent if it is not a URN."""

    version: int | None = None
    """The version that was read or written."""

    doc: Document | None = None
    """The document that was read."""

    error: ItemError | None = None
    """Why this item failed."""


class BatchResponse(msgspec.Struct, kw_only=True, frozen=True):
    """The answer to a batch, one item for each of the request."""

    items: list[BatchItem]
    """The outcomes, in the order asked."""


class NamespaceOptions(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """The options of a namespace."""

    auto_create_collections: bool
    """Whether the first write into an unknown collection creates it."""


class Namespace(msgspec.Struct, kw_only=True, frozen=True):
    """A namespace."""

    name: str
    """Its name."""

    options: NamespaceOptions
    """Its options."""

    created_at: datetime.datetime
    """When it was created (RFC 3339)."""


class NamespaceOptionsChange(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """The options to set; those not named stay as they are, or as by default in a new namespace."""

    auto_create_collections: bool | None = None
    """Whether the first write into an unknown collection creates it. At first as the server is configured."""


class NamespaceCreate(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A namespace to create."""

    name: str
    """Its name."""

    options: NamespaceOptionsChange | None = None
    """Its options."""


class NamespaceAlter(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change of a namespace."""

    options: NamespaceOptionsChange
    """The options to change."""


class NamespaceList(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A page of namespaces."""

    items: list[Namespace]
    """The namespaces, in the order of their names."""

    cursor: str | None = None
    """Where the next page begins; missing on the last."""


class CollectionOptions(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """The options of a collection."""

    description: str
    """What it is for."""

    cache_max_age_s: int
    """How many seconds a client may keep a document without asking; 0 means that it asks each time."""

    change_feed: bool
    """Whether changes are recorded for the change feed."""


class Collection(msgspec.Struct, kw_only=True, frozen=True):
    """A collection."""

    name: str
    """Its name."""

    namespace: str
    """The namespace it is in."""

    model: str
    """Its model, fixed when it was created."""

    id: int
    """A number that no other collection of the cluster ever has, a dropped one included."""

    options: CollectionOptions
    """Its options."""

    created_at: datetime.datetime
    """When it was created (RFC 3339)."""


class CollectionOptionsChange(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """The options to set; those not named stay as they are, or as by default in a new collection."""

    description: str | None = None
    """What it is for. At first empty."""

    cache_max_age_s: int | None = None
    """How many seconds a client may keep a document without asking. At first 0."""

    change_feed: bool | None = None
    """Whether changes are recorded for the change feed. At first true."""


class CollectionCreate(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A collection to create."""

    name: str
    """Its name."""

    model: Model
    """Its model."""

    options: CollectionOptionsChange | None = None
    """Its options."""


class CollectionAlter(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change of a collection."""

    options: CollectionOptionsChange
    """The options to change."""


class CollectionList(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A page of collections."""

    items: list[Collection]
    """The collections, in the order of their names."""

    cursor: str | None = None
    """Where the next page begins; missing on the last."""


class ShardCount(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """How many entities of a collection a shard has."""

    shard_id: str
    """The shard."""

    count: int
    """How many."""


class CollectionCount(msgspec.Struct, kw_only=True, frozen=True):
    """How many entities a collection has."""

    count: int
    """The sum."""

    shards: list[ShardCount]
    """The count of each shard, in the order of shard ids."""


class Dropped(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """What was dropped."""

    dropped: str
    """The name."""


class ListedEntity(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """An entity of a listing."""

    urn: str
    """Its URN."""

    version: int
    """Its version."""

    doc: Document | None = None
    """Its document, unless the listing was asked for versions only."""


class EntityList(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A page of entities."""

    items: list[ListedEntity]
    """The entities, in the order of their uuids."""

    cursor: str | None = None
    """Where the next page begins; missing on the last."""


class Node(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """A server process."""

    node_id: str
    """Its id."""

    endpoint: str
    """Where clients reach it: scheme, host and port."""

    datacenter: str
    """The datacenter it is in."""

    rack: str
    """The rack it is in."""

    state: str
    """What it is doing. leaving: its replicas move to other nodes."""

    version: str
    """The version of its server."""

    health: str | None = None
    """healthy; degraded: it serves, but something is wrong with it; down: nothing has been heard of it for longer
    than its lease.
    """

    kind: str | None = None
    """data: it holds replicas that vote; read_replica: it holds copies for bounded and eventual reads, and never
    leads.
    """


class Replica(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A replica of a shard."""

    node_id: str
    """The node it is on."""

    role: str
    """Whether it votes."""


class Shard(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A Raft group."""

    shard_id: str
    """Its id."""

    leader: str | None
    """The node that leads it, null while there is none."""

    leader_term: int | None = None
    """The Raft term in which that node leads; missing while there is no leader."""

    replicas: list[Replica]
    """The nodes that have a replica."""


class Topology(msgspec.Struct, kw_only=True, frozen=True):
    """Nodes, shards and the token table."""

    epoch: int
    """Its epoch."""

    nodes: list[Node]
    """The nodes, in the order of their ids."""

    shards: list[Shard]
    """The shards, in the order of their ids."""

    tokens: list[tuple[str, str]]
    """The token table, sorted by token as unsigned numbers (which is the order of the texts). No token occurs twice."""


class VersionInfo(msgspec.Struct, kw_only=True, frozen=True):
    """What the server is and can do."""

    server: str
    """The version of the server."""

    api: str
    """The version of this API, major.minor."""

    features: list[str]
    """The features it has, in no order that matters."""


class Health(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """That all is well."""

    status: str
    """Always ok; anything else is a Problem."""


class TokenRange(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A range of hashes, both ends included. A range never wraps around."""

    start: str
    """The first hash."""

    end: str
    """The last hash."""


class AdminShard(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A shard as an operator sees it."""

    shard_id: str
    """Its id."""

    primary_endpoint: str | None
    """The endpoint of its leader, null while there is none."""

    replicas: list[str]
    """The endpoints of all its replicas, the leader's included."""

    health: str
    """healthy: all replicas are up; degraded: some are not; down: there is no leader."""

    datacenter: str
    """The datacenter of its leader."""

    token_ranges: list[TokenRange]
    """Which hashes it owns, as ranges that do not touch, sorted."""

    key_count: int
    """How many entities it has; 0 also where that is not known, see key_count_known."""

    key_count_known: bool | None = None
    """Whether key_count was learned; missing means yes."""


class UnreachableNode(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """A node that was asked and did not answer."""

    node_id: str
    """Its id."""

    since: datetime.datetime | None = None
    """Since when the answering node has not reached it (RFC 3339); missing if that is not known."""


class AdminTopology(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The shards as an operator sees them."""

    epoch: int
    """The epoch of the topology."""

    shards: list[AdminShard]
    """The shards, in the order of their ids."""

    unreachable: list[UnreachableNode] | None = None
    """The nodes that are down; missing if none is."""


class Point(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A point of a series."""

    timestamp: int
    """Milliseconds since 1970."""

    value: float
    """The value over the interval that ends there."""


class OperationFigures(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """Figures of one operation."""

    operation: str
    """The operationId."""

    requests: int
    """Requests answered."""

    errors: int
    """Answers with a status of 500 or more."""

    p50_ms: float
    """The median latency in milliseconds."""

    p95_ms: float
    """The 95th percentile in milliseconds."""

    p99_ms: float
    """The 99th percentile in milliseconds."""


class AdminMetrics(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Figures for a dashboard."""

    node_id: str | None = None
    """The node whose figures they are."""

    timestamp_ms: int
    """When they were taken, in milliseconds since 1970."""

    interval_ms: int
    """The distance of the points of a series in milliseconds."""

    query_latency_p95: list[Point]
    """The 95th percentile of request latency in milliseconds, the oldest point first."""

    throughput: list[Point]
    """Requests per second, the oldest point first."""

    operations: list[OperationFigures]
    """Totals since the start, by operation, in the order of their names."""

    storage: Figures
    """Of the storage engine."""

    raft: Figures
    """Of the Raft groups on this node."""

    process: Figures
    """Of the process."""


class HealthCounts(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """How many there are, by their health."""

    total: int
    """All of them."""

    healthy: int
    """Those with which all is well."""

    degraded: int
    """Those that serve although something is wrong."""

    down: int
    """Those that do not serve."""


class MetadataStatus(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Where topology and catalogue are kept, and whether they can be changed."""

    store: str
    """embedded: in a Raft group of the cluster; etcd: in an etcd cluster."""

    available: bool
    """Whether it can be changed now."""

    why: str | None = None
    """Why it cannot be changed; missing while it can."""

    leader: str | None
    """Embedded: the node that leads its group, null while there is none. etcd: null."""

    members: list[Replica]
    """The members of its group as the topology wants them; empty with etcd."""


class ClusterStatus(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The state of the cluster."""

    cluster: str
    """Its name."""

    node_id: str
    """The node that answered."""

    epoch: int
    """The epoch of the topology."""

    replicas: int
    """How many voting replicas each shard shall have."""

    coordinator: str | None
    """The node that places replicas and balances leaders, null while there is none."""

    nodes: HealthCounts
    """The nodes."""

    shards: HealthCounts
    """The shards. degraded: a replica is missing or down; down: there is no leader."""

    metadata: MetadataStatus
    """The metadata."""

    unsettled: list[str]
    """The shards whose replicas are not yet where the topology wants them."""

    findings: list[str]
    """What an operator should look at, the gravest first. For people; do not parse it."""

    unreachable: list[UnreachableNode] | None = None
    """The nodes that the answering node does not reach; missing if it reaches all."""


class ReplicaCounts(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """The replicas that a node holds."""

    voters: int
    """Those that vote."""

    learners: int
    """Those that only follow."""

    leaders: int
    """Those that lead."""

    lagging: int
    """Those that are far behind their leader."""


class DiskStatus(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """The disk of a node's data directory."""

    free_bytes: int
    """How much of it is free."""


class ClusterNode(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A node as an operator sees it."""

    node_id: str
    """Its id."""

    endpoint: str
    """Where clients reach it: scheme, host and port."""

    peer: str
    """Where the other nodes reach it: host and port; empty if it has no peer port."""

    datacenter: str
    """The datacenter it is in."""

    rack: str
    """The rack it is in."""

    kind: str
    """What it is for."""

    state: str
    """What it is doing."""

    health: str
    """As the cluster sees it, by its registration."""

    reasons: list[str]
    """Why it is not healthy."""

    version: str
    """The version of its server."""

    reachable: bool
    """Whether it answered the node that was asked."""

    unreachable_since: datetime.datetime | None = None
    """Since when it has not been reached (RFC 3339); missing if it is, or if that is not known."""

    replicas: ReplicaCounts
    """The replicas that it holds."""

    disk: DiskStatus | None = None
    """Its disk; missing if it has never reported."""


class ClusterNodeList(msgspec.Struct, kw_only=True, frozen=True):
    """The nodes of the cluster."""

    epoch: int
    """The epoch of the topology."""

    items: list[ClusterNode]
    """The nodes, in the order of their ids."""


class NodeGroup(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A replica as the node that holds it sees it."""

    shard_id: str
    """The shard; `metadata` for the group of the metadata."""

    role: str
    """Whether it votes."""

    state: str
    """Its state in Raft."""

    term: int
    """Its Raft term."""

    applied: int
    """The index of the last entry it has applied."""

    commit: int
    """The index of the last entry it knows to be committed."""

    log_bytes: int
    """The size of its log."""


class NodeDetails(msgspec.Struct, kw_only=True, frozen=True):
    """What a node says of itself."""

    uptime_s: float
    """How long it has been running."""

    groups: list[NodeGroup]
    """Its replicas, in the order of shard ids."""


class ClusterNodeDetail(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A node, and what it says of itself."""

    epoch: int
    """The epoch of the topology."""

    node: ClusterNode
    """The node."""

    details: NodeDetails | None = None
    """What it says of itself; missing if it did not answer."""


class NodeChanged(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A node whose state was changed."""

    node_id: str
    """Its id."""

    state: str
    """Its state now."""

    epoch: int
    """The epoch of the topology that says so."""


class NodeRemoved(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A node that was removed."""

    removed: str
    """Its id."""

    epoch: int
    """The epoch of the topology without it."""


class ReplicaStatus(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True, gc=False):
    """A replica of a shard, as its leader and its own node see it."""

    node_id: str
    """The node it is on."""

    role: str
    """What it is now: voter, learner, or none if it is not a member of the Raft group (any more). As the topology
    has it where the leader did not answer.
    """

    wanted: str
    """What the topology wants it to be; none: it is to go."""

    state: str
    """Its state in Raft; absent: its node answered and has no such replica (yet); unreachable: its node did not
    answer.
    """

    match: int | None = None
    """The index up to which the leader knows its log to be the same."""

    lag_entries: int | None = None
    """How many entries of the leader's log it does not have yet."""

    applied: int | None = None
    """The index of the last entry it has applied; missing if its node did not answer."""


class ClusterShard(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A shard as an operator sees it."""

    shard_id: str
    """Its id."""

    health: str
    """healthy: all replicas are there and answer; degraded: some do not; down: there is no leader."""

    leader: str | None
    """The node that leads it, null while there is none."""

    leader_term: int | None = None
    """The Raft term in which it leads; missing while there is no leader."""

    commit: int | None = None
    """The index of the last committed entry; missing if the leader did not answer."""

    settled: bool | None = None
    """Whether its replicas are where the topology wants them; missing if the leader did not answer."""

    replicas: list[ReplicaStatus]
    """Its replicas, those to come and those to go included, in the order of node ids."""


class ClusterShardList(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The shards of the cluster."""

    epoch: int
    """The epoch of the topology."""

    items: list[ClusterShard]
    """The shards, in the order of their ids."""

    unreachable: list[UnreachableNode] | None = None
    """The nodes that did not answer; missing if all did."""


class LeaderTransfer(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """Where a leader is to go."""

    target: str | None = None
    """The node that is to lead. Without it, the voter that is furthest."""


class LeaderTransferred(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """Who leads now."""

    shard_id: str
    """The shard."""

    leader: str
    """The node that leads it."""

    leader_term: int
    """The Raft term in which it leads."""


class ReplicaReplacement(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """Which replica is to go where."""

    source: str
    """The node that holds the replica now."""

    target: str | None = None
    """The node that is to hold it. Without it the cluster chooses."""


class ShardChanged(msgspec.Struct, kw_only=True, frozen=True):
    """A shard whose places were changed."""

    shard_id: str
    """The shard."""

    epoch: int
    """The epoch of the topology that says so."""

    replicas: list[Replica]
    """The places that the topology wants."""


class ReplicasTarget(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, gc=False):
    """How many replicas are wanted."""

    replicas: int
    """How many voting replicas each shard shall have."""


class ReplicasSet(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """How many replicas are wanted now."""

    replicas: int
    """How many voting replicas each shard shall have."""

    epoch: int
    """The epoch of the topology that says so."""


class JoinTokenCreate(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """A join token to make."""

    ttl_s: int | None = None
    """For how many seconds it is good. Without it, a day."""

    description: str | None = None
    """What it is for."""


class JoinToken(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A join token, without its secret."""

    token_id: str
    """Its id."""

    description: str
    """What it is for; may be empty."""

    created_at: datetime.datetime
    """When it was made (RFC 3339)."""

    expires_at: datetime.datetime
    """When it ceases to be good (RFC 3339)."""


class JoinTokenCreated(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A new join token, with its secret."""

    token_id: str
    """Its id."""

    token: str
    """The token itself. A secret; it is not shown again."""

    description: str
    """What it is for; may be empty."""

    created_at: datetime.datetime
    """When it was made (RFC 3339)."""

    expires_at: datetime.datetime
    """When it ceases to be good (RFC 3339)."""

    def __repr__(self) -> str:
        """Describe it without its secret."""
        return f"JoinTokenCreated(token_id={self.token_id!r}, token=..., description={self.description!r}, created_at={self.created_at!r}, expires_at={self.expires_at!r})"


class JoinTokenList(msgspec.Struct, kw_only=True, frozen=True):
    """The join tokens that are good."""

    items: list[JoinToken]
    """The tokens, in the order in which they were made."""


class JoinTokenRevoked(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A join token that was revoked."""

    revoked: str
    """Its id."""


class Problem(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Why a request failed (RFC 9457). Members beyond `request_id` are there where they apply."""

    type: str
    """https://themisdb.dev/errors/ followed by the code."""

    title: str
    """The short name of the code."""

    status: int
    """The HTTP status."""

    detail: str
    """What happened this time. For people; do not parse it."""

    instance: str
    """The path of the request."""

    code: str
    """The stable code, one of docs/reference/errors.md. New ones may come."""

    retryable: bool
    """Whether the same request may be sent again as it is."""

    request_id: str
    """The id under which the server logged the request."""

    parameter: str | None = None
    """The parameter or header that is wrong."""

    pointer: str | None = None
    """Where in the body, as a JSON pointer (RFC 6901)."""

    position: int | None = None
    """Where in the URN (characters) or in the body (bytes), from 0."""

    limit: int | None = None
    """The limit that was passed; `detail` says of what."""

    version: int | None | msgspec.UnsetType = msgspec.UNSET
    """With precondition_failed, the current version; null if there is no entity."""

    owner: str | None | msgspec.UnsetType = msgspec.UNSET
    """With wrong_shard, the endpoint to ask; null while it is not known."""

    epoch: int | None = None
    """With wrong_shard and stale_epoch, the epoch of the topology that says so."""

    retry_after_s: int | None = None
    """After how many seconds to try again, as in Retry-After."""

    allowed: list[str] | None = None
    """What would have been accepted instead."""

    expected: str | None = None
    """What was expected there."""

    lag_ms: int | None = None
    """With lag_exceeded, the least lag that a replica could prove, in milliseconds; missing if none could."""
