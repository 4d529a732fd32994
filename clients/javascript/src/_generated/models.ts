// The bodies of requests and answers. Generated from spec/ by `python -m tools.codegen`: do not edit.

/** The data model of a collection. */
export const Model = {
  /** `relational`. */
  RELATIONAL: "relational",
  /** `document`. */
  DOCUMENT: "document",
  /** `graph`. */
  GRAPH: "graph",
  /** `vector`. */
  VECTOR: "vector",
  /** `timeseries`. */
  TIMESERIES: "timeseries",
} as const;

/** The data model of a collection. */
export type Model = (typeof Model)[keyof typeof Model];

/**
 * A JSON object. Its members are the user's, except `_key`, `_id` and `_rev` at
 * the top, which are reserved. Integers must fit 64 bits; nesting is limited to
 * 64 levels. The bytes are kept as sent, white space aside.
 */
export type Document = Record<string, unknown>;

/** A JSON Merge Patch (RFC 7396). null removes a member. */
export type MergePatch = Record<string, unknown>;

/** An OpenAPI 3.1 document. */
export type OpenapiDocument = Record<string, unknown>;

/**
 * Figures by name, the unit last in the name. Names may be added at any time.
 */
export type Figures = Record<string, unknown>;

/** The outcome of a write. */
export interface WriteResult {
  /** The URN, normalised. */
  readonly urn: string;

  /** The version that this write gave to the entity. */
  readonly version: number;
}

/** What to read. */
export interface BatchGetRequest {
  /** The entities to read. A URN may occur twice; it is then answered twice. */
  readonly urns: readonly string[];
}

/** One entity to write. */
export interface PutItem {
  /** Its URN. */
  readonly urn: string;

  /** Its document. */
  readonly doc: Document;

  /** The version that the entity must have; 0 if it must not exist. */
  readonly if_match?: number;
}

/** What to write. */
export interface BatchPutRequest {
  /** The entities to write. */
  readonly items: readonly PutItem[];
}

/** One entity to delete. */
export interface DeleteItem {
  /** Its URN. */
  readonly urn: string;

  /**
   * The version that the entity must have. 0 ("must not exist") is accepted,
   * but never deletes anything.
   */
  readonly if_match?: number;
}

/** What to delete. Exactly one of `urns` and `items`. */
export interface BatchDeleteRequest {
  /** The entities to delete whatever version they have. */
  readonly urns?: readonly string[];

  /** The entities to delete, with conditions. */
  readonly items?: readonly DeleteItem[];
}

/**
 * Why one item of a batch failed; the members have the meanings they have in a
 * Problem.
 */
export interface ItemError {
  /** The stable code. */
  readonly code: string;

  /** The HTTP status this failure has on its own. */
  readonly status: number;

  /** The short name of the code. */
  readonly title: string;

  /** What happened this time. */
  readonly detail: string;

  /** Whether the item may be sent again as it is. */
  readonly retryable: boolean;

  /**
   * With precondition_failed, the current version; null if there is no entity.
   */
  readonly version?: number | null;

  /** Where in the document, as a JSON pointer (RFC 6901). */
  readonly pointer?: string;

  /** Where in the URN or in the JSON text. */
  readonly position?: number;

  /** The limit that was passed. */
  readonly limit?: number;

  /** What was expected. */
  readonly expected?: string;

  /** The endpoint of the owner of the key. */
  readonly owner?: string;

  /** The epoch of the topology that says so. */
  readonly epoch?: number;

  /** After how many seconds to try again. */
  readonly retry_after_s?: number;

  /** The least lag that a replica could prove in milliseconds. */
  readonly lag_ms?: number;
}

/**
 * The outcome of one item; it has either `version` (and `doc`, if it was read)
 * or `error`.
 */
export interface BatchItem {
  /** The URN, normalised; as it was sent if it is not a URN. */
  readonly urn: string;

  /** The version that was read or written. */
  readonly version?: number;

  /** The document that was read. */
  readonly doc?: Document;

  /** Why this item failed. */
  readonly error?: ItemError;
}

/** The answer to a batch, one item for each of the request. */
export interface BatchResponse {
  /** The outcomes, in the order asked. */
  readonly items: readonly BatchItem[];
}

/** The options of a namespace. */
export interface NamespaceOptions {
  /** Whether the first write into an unknown collection creates it. */
  readonly auto_create_collections: boolean;
}

/** A namespace. */
export interface Namespace {
  /** Its name. */
  readonly name: string;

  /** Its options. */
  readonly options: NamespaceOptions;

  /** When it was created (RFC 3339). */
  readonly created_at: string;
}

/**
 * The options to set; those not named stay as they are, or as by default in a
 * new namespace.
 */
export interface NamespaceOptionsChange {
  /**
   * Whether the first write into an unknown collection creates it. At first as
   * the server is configured.
   */
  readonly auto_create_collections?: boolean;
}

/** A namespace to create. */
export interface NamespaceCreate {
  /** Its name. */
  readonly name: string;

  /** Its options. */
  readonly options?: NamespaceOptionsChange;
}

/** What to change of a namespace. */
export interface NamespaceAlter {
  /** The options to change. */
  readonly options: NamespaceOptionsChange;
}

/** A page of namespaces. */
export interface NamespaceList {
  /** The namespaces, in the order of their names. */
  readonly items: readonly Namespace[];

  /** Where the next page begins; missing on the last. */
  readonly cursor?: string;
}

/** The options of a collection. */
export interface CollectionOptions {
  /** What it is for. */
  readonly description: string;

  /**
   * How many seconds a client may keep a document without asking; 0 means that
   * it asks each time.
   */
  readonly cache_max_age_s: number;

  /** Whether changes are recorded for the change feed. */
  readonly change_feed: boolean;
}

/** A collection. */
export interface Collection {
  /** Its name. */
  readonly name: string;

  /** The namespace it is in. */
  readonly namespace: string;

  /** Its model, fixed when it was created. */
  readonly model: string;

  /**
   * A number that no other collection of the cluster ever has, a dropped one
   * included.
   */
  readonly id: number;

  /** Its options. */
  readonly options: CollectionOptions;

  /** When it was created (RFC 3339). */
  readonly created_at: string;
}

/**
 * The options to set; those not named stay as they are, or as by default in a
 * new collection.
 */
export interface CollectionOptionsChange {
  /** What it is for. At first empty. */
  readonly description?: string;

  /**
   * How many seconds a client may keep a document without asking. At first 0.
   */
  readonly cache_max_age_s?: number;

  /** Whether changes are recorded for the change feed. At first true. */
  readonly change_feed?: boolean;
}

/** A collection to create. */
export interface CollectionCreate {
  /** Its name. */
  readonly name: string;

  /** Its model. */
  readonly model: Model;

  /** Its options. */
  readonly options?: CollectionOptionsChange;
}

/** What to change of a collection. */
export interface CollectionAlter {
  /** The options to change. */
  readonly options: CollectionOptionsChange;
}

/** A page of collections. */
export interface CollectionList {
  /** The collections, in the order of their names. */
  readonly items: readonly Collection[];

  /** Where the next page begins; missing on the last. */
  readonly cursor?: string;
}

/** How many entities of a collection a shard has. */
export interface ShardCount {
  /** The shard. */
  readonly shard_id: string;

  /** How many. */
  readonly count: number;
}

/** How many entities a collection has. */
export interface CollectionCount {
  /** The sum. */
  readonly count: number;

  /** The count of each shard, in the order of shard ids. */
  readonly shards: readonly ShardCount[];
}

/** What was dropped. */
export interface Dropped {
  /** The name. */
  readonly dropped: string;
}

/** An entity of a listing. */
export interface ListedEntity {
  /** Its URN. */
  readonly urn: string;

  /** Its version. */
  readonly version: number;

  /** Its document, unless the listing was asked for versions only. */
  readonly doc?: Document;
}

/** A page of entities. */
export interface EntityList {
  /** The entities, in the order of their uuids. */
  readonly items: readonly ListedEntity[];

  /** Where the next page begins; missing on the last. */
  readonly cursor?: string;
}

/** A server process. */
export interface Node {
  /** Its id. */
  readonly node_id: string;

  /** Where clients reach it: scheme, host and port. */
  readonly endpoint: string;

  /** The datacenter it is in. */
  readonly datacenter: string;

  /** The rack it is in. */
  readonly rack: string;

  /** What it is doing. leaving: its replicas move to other nodes. */
  readonly state: string;

  /** The version of its server. */
  readonly version: string;

  /**
   * healthy; degraded: it serves, but something is wrong with it; down: nothing
   * has been heard of it for longer than its lease.
   */
  readonly health?: string;

  /**
   * data: it holds replicas that vote; read_replica: it holds copies for
   * bounded and eventual reads, and never leads.
   */
  readonly kind?: string;
}

/** A replica of a shard. */
export interface Replica {
  /** The node it is on. */
  readonly node_id: string;

  /** Whether it votes. */
  readonly role: string;
}

/** A Raft group. */
export interface Shard {
  /** Its id. */
  readonly shard_id: string;

  /** The node that leads it, null while there is none. */
  readonly leader: string | null;

  /**
   * The Raft term in which that node leads; missing while there is no leader.
   */
  readonly leader_term?: number;

  /** The nodes that have a replica. */
  readonly replicas: readonly Replica[];
}

/** Nodes, shards and the token table. */
export interface Topology {
  /** Its epoch. */
  readonly epoch: number;

  /** The nodes, in the order of their ids. */
  readonly nodes: readonly Node[];

  /** The shards, in the order of their ids. */
  readonly shards: readonly Shard[];

  /**
   * The token table, sorted by token as unsigned numbers (which is the order of
   * the texts). No token occurs twice.
   */
  readonly tokens: readonly (readonly [string, string])[];
}

/** What the server is and can do. */
export interface VersionInfo {
  /** The version of the server. */
  readonly server: string;

  /** The version of this API, major.minor. */
  readonly api: string;

  /** The features it has, in no order that matters. */
  readonly features: readonly string[];
}

/** That all is well. */
export interface Health {
  /** Always ok; anything else is a Problem. */
  readonly status: string;
}

/** A range of hashes, both ends included. A range never wraps around. */
export interface TokenRange {
  /** The first hash. */
  readonly start: string;

  /** The last hash. */
  readonly end: string;
}

/** A shard as an operator sees it. */
export interface AdminShard {
  /** Its id. */
  readonly shard_id: string;

  /** The endpoint of its leader, null while there is none. */
  readonly primary_endpoint: string | null;

  /** The endpoints of all its replicas, the leader's included. */
  readonly replicas: readonly string[];

  /**
   * healthy: all replicas are up; degraded: some are not; down: there is no
   * leader.
   */
  readonly health: string;

  /** The datacenter of its leader. */
  readonly datacenter: string;

  /** Which hashes it owns, as ranges that do not touch, sorted. */
  readonly token_ranges: readonly TokenRange[];

  /**
   * How many entities it has; 0 also where that is not known, see
   * key_count_known.
   */
  readonly key_count: number;

  /** Whether key_count was learned; missing means yes. */
  readonly key_count_known?: boolean;
}

/** A node that was asked and did not answer. */
export interface UnreachableNode {
  /** Its id. */
  readonly node_id: string;

  /**
   * Since when the answering node has not reached it (RFC 3339); missing if
   * that is not known.
   */
  readonly since?: string;
}

/** The shards as an operator sees them. */
export interface AdminTopology {
  /** The epoch of the topology. */
  readonly epoch: number;

  /** The shards, in the order of their ids. */
  readonly shards: readonly AdminShard[];

  /** The nodes that are down; missing if none is. */
  readonly unreachable?: readonly UnreachableNode[];
}

/** A point of a series. */
export interface Point {
  /** Milliseconds since 1970. */
  readonly timestamp: number;

  /** The value over the interval that ends there. */
  readonly value: number;
}

/** Figures of one operation. */
export interface OperationFigures {
  /** The operationId. */
  readonly operation: string;

  /** Requests answered. */
  readonly requests: number;

  /** Answers with a status of 500 or more. */
  readonly errors: number;

  /** The median latency in milliseconds. */
  readonly p50_ms: number;

  /** The 95th percentile in milliseconds. */
  readonly p95_ms: number;

  /** The 99th percentile in milliseconds. */
  readonly p99_ms: number;
}

/** Figures for a dashboard. */
export interface AdminMetrics {
  /** The node whose figures they are. */
  readonly node_id?: string;

  /** When they were taken, in milliseconds since 1970. */
  readonly timestamp_ms: number;

  /** The distance of the points of a series in milliseconds. */
  readonly interval_ms: number;

  /**
   * The 95th percentile of request latency in milliseconds, the oldest point
   * first.
   */
  readonly query_latency_p95: readonly Point[];

  /** Requests per second, the oldest point first. */
  readonly throughput: readonly Point[];

  /** Totals since the start, by operation, in the order of their names. */
  readonly operations: readonly OperationFigures[];

  /** Of the storage engine. */
  readonly storage: Figures;

  /** Of the Raft groups on this node. */
  readonly raft: Figures;

  /** Of the process. */
  readonly process: Figures;
}

/** How many there are, by their health. */
export interface HealthCounts {
  /** All of them. */
  readonly total: number;

  /** Those with which all is well. */
  readonly healthy: number;

  /** Those that serve although something is wrong. */
  readonly degraded: number;

  /** Those that do not serve. */
  readonly down: number;
}

/** Where topology and catalogue are kept, and whether they can be changed. */
export interface MetadataStatus {
  /** embedded: in a Raft group of the cluster; etcd: in an etcd cluster. */
  readonly store: string;

  /** Whether it can be changed now. */
  readonly available: boolean;

  /** Why it cannot be changed; missing while it can. */
  readonly why?: string;

  /**
   * Embedded: the node that leads its group, null while there is none. etcd:
   * null.
   */
  readonly leader: string | null;

  /** The members of its group as the topology wants them; empty with etcd. */
  readonly members: readonly Replica[];
}

/** The state of the cluster. */
export interface ClusterStatus {
  /** Its name. */
  readonly cluster: string;

  /** The node that answered. */
  readonly node_id: string;

  /** The epoch of the topology. */
  readonly epoch: number;

  /** How many voting replicas each shard shall have. */
  readonly replicas: number;

  /**
   * The node that places replicas and balances leaders, null while there is
   * none.
   */
  readonly coordinator: string | null;

  /** The nodes. */
  readonly nodes: HealthCounts;

  /**
   * The shards. degraded: a replica is missing or down; down: there is no
   * leader.
   */
  readonly shards: HealthCounts;

  /** The metadata. */
  readonly metadata: MetadataStatus;

  /** The shards whose replicas are not yet where the topology wants them. */
  readonly unsettled: readonly string[];

  /**
   * What an operator should look at, the gravest first. For people; do not
   * parse it.
   */
  readonly findings: readonly string[];

  /**
   * The nodes that the answering node does not reach; missing if it reaches
   * all.
   */
  readonly unreachable?: readonly UnreachableNode[];
}

/** The replicas that a node holds. */
export interface ReplicaCounts {
  /** Those that vote. */
  readonly voters: number;

  /** Those that only follow. */
  readonly learners: number;

  /** Those that lead. */
  readonly leaders: number;

  /** Those that are far behind their leader. */
  readonly lagging: number;
}

/** The disk of a node's data directory. */
export interface DiskStatus {
  /** How much of it is free. */
  readonly free_bytes: number;
}

/** A node as an operator sees it. */
export interface ClusterNode {
  /** Its id. */
  readonly node_id: string;

  /** Where clients reach it: scheme, host and port. */
  readonly endpoint: string;

  /**
   * Where the other nodes reach it: host and port; empty if it has no peer
   * port.
   */
  readonly peer: string;

  /** The datacenter it is in. */
  readonly datacenter: string;

  /** The rack it is in. */
  readonly rack: string;

  /** What it is for. */
  readonly kind: string;

  /** What it is doing. */
  readonly state: string;

  /** As the cluster sees it, by its registration. */
  readonly health: string;

  /** Why it is not healthy. */
  readonly reasons: readonly string[];

  /** The version of its server. */
  readonly version: string;

  /** Whether it answered the node that was asked. */
  readonly reachable: boolean;

  /**
   * Since when it has not been reached (RFC 3339); missing if it is, or if that
   * is not known.
   */
  readonly unreachable_since?: string;

  /** The replicas that it holds. */
  readonly replicas: ReplicaCounts;

  /** Its disk; missing if it has never reported. */
  readonly disk?: DiskStatus;
}

/** The nodes of the cluster. */
export interface ClusterNodeList {
  /** The epoch of the topology. */
  readonly epoch: number;

  /** The nodes, in the order of their ids. */
  readonly items: readonly ClusterNode[];
}

/** A replica as the node that holds it sees it. */
export interface NodeGroup {
  /** The shard; `metadata` for the group of the metadata. */
  readonly shard_id: string;

  /** Whether it votes. */
  readonly role: string;

  /** Its state in Raft. */
  readonly state: string;

  /** Its Raft term. */
  readonly term: number;

  /** The index of the last entry it has applied. */
  readonly applied: number;

  /** The index of the last entry it knows to be committed. */
  readonly commit: number;

  /** The size of its log. */
  readonly log_bytes: number;
}

/** What a node says of itself. */
export interface NodeDetails {
  /** How long it has been running. */
  readonly uptime_s: number;

  /** Its replicas, in the order of shard ids. */
  readonly groups: readonly NodeGroup[];
}

/** A node, and what it says of itself. */
export interface ClusterNodeDetail {
  /** The epoch of the topology. */
  readonly epoch: number;

  /** The node. */
  readonly node: ClusterNode;

  /** What it says of itself; missing if it did not answer. */
  readonly details?: NodeDetails;
}

/** A node whose state was changed. */
export interface NodeChanged {
  /** Its id. */
  readonly node_id: string;

  /** Its state now. */
  readonly state: string;

  /** The epoch of the topology that says so. */
  readonly epoch: number;
}

/** A node that was removed. */
export interface NodeRemoved {
  /** Its id. */
  readonly removed: string;

  /** The epoch of the topology without it. */
  readonly epoch: number;
}

/** A replica of a shard, as its leader and its own node see it. */
export interface ReplicaStatus {
  /** The node it is on. */
  readonly node_id: string;

  /**
   * What it is now: voter, learner, or none if it is not a member of the Raft
   * group (any more). As the topology has it where the leader did not answer.
   */
  readonly role: string;

  /** What the topology wants it to be; none: it is to go. */
  readonly wanted: string;

  /**
   * Its state in Raft; absent: its node answered and has no such replica (yet);
   * unreachable: its node did not answer.
   */
  readonly state: string;

  /** The index up to which the leader knows its log to be the same. */
  readonly match?: number;

  /** How many entries of the leader's log it does not have yet. */
  readonly lag_entries?: number;

  /**
   * The index of the last entry it has applied; missing if its node did not
   * answer.
   */
  readonly applied?: number;
}

/** A shard as an operator sees it. */
export interface ClusterShard {
  /** Its id. */
  readonly shard_id: string;

  /**
   * healthy: all replicas are there and answer; degraded: some do not; down:
   * there is no leader.
   */
  readonly health: string;

  /** The node that leads it, null while there is none. */
  readonly leader: string | null;

  /** The Raft term in which it leads; missing while there is no leader. */
  readonly leader_term?: number;

  /**
   * The index of the last committed entry; missing if the leader did not
   * answer.
   */
  readonly commit?: number;

  /**
   * Whether its replicas are where the topology wants them; missing if the
   * leader did not answer.
   */
  readonly settled?: boolean;

  /**
   * Its replicas, those to come and those to go included, in the order of node
   * ids.
   */
  readonly replicas: readonly ReplicaStatus[];
}

/** The shards of the cluster. */
export interface ClusterShardList {
  /** The epoch of the topology. */
  readonly epoch: number;

  /** The shards, in the order of their ids. */
  readonly items: readonly ClusterShard[];

  /** The nodes that did not answer; missing if all did. */
  readonly unreachable?: readonly UnreachableNode[];
}

/** Where a leader is to go. */
export interface LeaderTransfer {
  /** The node that is to lead. Without it, the voter that is furthest. */
  readonly target?: string;
}

/** Who leads now. */
export interface LeaderTransferred {
  /** The shard. */
  readonly shard_id: string;

  /** The node that leads it. */
  readonly leader: string;

  /** The Raft term in which it leads. */
  readonly leader_term: number;
}

/** Which replica is to go where. */
export interface ReplicaReplacement {
  /** The node that holds the replica now. */
  readonly source: string;

  /** The node that is to hold it. Without it the cluster chooses. */
  readonly target?: string;
}

/** A shard whose places were changed. */
export interface ShardChanged {
  /** The shard. */
  readonly shard_id: string;

  /** The epoch of the topology that says so. */
  readonly epoch: number;

  /** The places that the topology wants. */
  readonly replicas: readonly Replica[];
}

/** How many replicas are wanted. */
export interface ReplicasTarget {
  /** How many voting replicas each shard shall have. */
  readonly replicas: number;
}

/** How many replicas are wanted now. */
export interface ReplicasSet {
  /** How many voting replicas each shard shall have. */
  readonly replicas: number;

  /** The epoch of the topology that says so. */
  readonly epoch: number;
}

/** A join token to make. */
export interface JoinTokenCreate {
  /** For how many seconds it is good. Without it, a day. */
  readonly ttl_s?: number;

  /** What it is for. */
  readonly description?: string;
}

/** A join token, without its secret. */
export interface JoinToken {
  /** Its id. */
  readonly token_id: string;

  /** What it is for; may be empty. */
  readonly description: string;

  /** When it was made (RFC 3339). */
  readonly created_at: string;

  /** When it ceases to be good (RFC 3339). */
  readonly expires_at: string;
}

/** A new join token, with its secret. */
export interface JoinTokenCreated {
  /** Its id. */
  readonly token_id: string;

  /** The token itself. A secret; it is not shown again. */
  readonly token: string;

  /** What it is for; may be empty. */
  readonly description: string;

  /** When it was made (RFC 3339). */
  readonly created_at: string;

  /** When it ceases to be good (RFC 3339). */
  readonly expires_at: string;
}

/** The join tokens that are good. */
export interface JoinTokenList {
  /** The tokens, in the order in which they were made. */
  readonly items: readonly JoinToken[];
}

/** A join token that was revoked. */
export interface JoinTokenRevoked {
  /** Its id. */
  readonly revoked: string;
}

/**
 * Why a request failed (RFC 9457). Members beyond `request_id` are there where
 * they apply.
 */
export interface Problem {
  /** https://themisdb.dev/errors/ followed by the code. */
  readonly type: string;

  /** The short name of the code. */
  readonly title: string;

  /** The HTTP status. */
  readonly status: number;

  /** What happened this time. For people; do not parse it. */
  readonly detail: string;

  /** The path of the request. */
  readonly instance: string;

  /** The stable code, one of docs/reference/errors.md. New ones may come. */
  readonly code: string;

  /** Whether the same request may be sent again as it is. */
  readonly retryable: boolean;

  /** The id under which the server logged the request. */
  readonly request_id: string;

  /** The parameter or header that is wrong. */
  readonly parameter?: string;

  /** Where in the body, as a JSON pointer (RFC 6901). */
  readonly pointer?: string;

  /** Where in the URN (characters) or in the body (bytes), from 0. */
  readonly position?: number;

  /** The limit that was passed; `detail` says of what. */
  readonly limit?: number;

  /**
   * With precondition_failed, the current version; null if there is no entity.
   */
  readonly version?: number | null;

  /** With wrong_shard, the endpoint to ask; null while it is not known. */
  readonly owner?: string | null;

  /**
   * With wrong_shard and stale_epoch, the epoch of the topology that says so.
   */
  readonly epoch?: number;

  /** After how many seconds to try again, as in Retry-After. */
  readonly retry_after_s?: number;

  /** What would have been accepted instead. */
  readonly allowed?: readonly string[];

  /** What was expected there. */
  readonly expected?: string;

  /**
   * With lag_exceeded, the least lag that a replica could prove, in
   * milliseconds; missing if none could.
   */
  readonly lag_ms?: number;
}
