// The operations. Generated from spec/ by `python -m tools.codegen`: do not edit.

/** The version of the API that this table describes, major.minor. */
export const API_VERSION = "1.0";

/** The names of the operations. */
export type OperationId =
  | "getEntity"
  | "headEntity"
  | "putEntity"
  | "patchEntity"
  | "deleteEntity"
  | "batchGet"
  | "batchPut"
  | "batchDelete"
  | "listNamespaces"
  | "createNamespace"
  | "getNamespace"
  | "alterNamespace"
  | "dropNamespace"
  | "listCollections"
  | "createCollection"
  | "getCollection"
  | "alterCollection"
  | "dropCollection"
  | "countCollection"
  | "listEntities"
  | "getTopology"
  | "getVersion"
  | "getLive"
  | "getReady"
  | "getMetrics"
  | "getOpenapi"
  | "adminTopology"
  | "adminMetrics"
  | "adminStatus"
  | "adminNodes"
  | "adminNode"
  | "adminRemoveNode"
  | "adminDrainNode"
  | "adminUndrainNode"
  | "adminShards"
  | "adminShard"
  | "adminTransferLeader"
  | "adminReplaceReplica"
  | "adminSetReplicas"
  | "adminJoinTokens"
  | "adminCreateJoinToken"
  | "adminRevokeJoinToken";

/** Whom an operation is asked of. */
export type Routing = "urn" | "any" | "all" | "leader";

/**
 * One operation. `routing`: `urn` goes to the leader of the shard of the URN (of
 * each item's URN in a batch), `any` to any node, `all` is gathered from all
 * shards by whichever node is asked, `leader` changes metadata and is forwarded
 * by whichever node is asked.
 */
export interface Operation {
  /** Its name. */
  readonly operationId: OperationId;

  /** The HTTP method. */
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE";

  /** The path, with parameters in braces. */
  readonly path: string;

  /** Names of the parameters in the path. */
  readonly pathParams: readonly string[];

  /** Names of the parameters in the query. */
  readonly queryParams: readonly string[];

  /** Names of the headers it understands, beside those that all operations do. */
  readonly headerParams: readonly string[];

  /** Which media types a body may have; empty if there is none. */
  readonly requestMediaTypes: readonly string[];

  /** The media type of a successful answer; null if it has no body. */
  readonly responseMediaType: string | null;

  /** The statuses that are no errors. */
  readonly expected: readonly number[];

  /** Whom it is asked of. */
  readonly routing: Routing;

  /** Whether it may be repeated without an Idempotency-Key. */
  readonly idempotent: boolean;
}

/** Every operation, by its name. */
export const OPERATIONS: Readonly<Record<OperationId, Operation>> = {
  getEntity: {
    operationId: "getEntity",
    method: "GET",
    path: "/entity/{urn}",
    pathParams: ["urn"],
    queryParams: ["consistency", "max_lag_ms"],
    headerParams: ["Themis-Session", "If-None-Match"],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200, 304],
    routing: "urn",
    idempotent: true,
  },
  headEntity: {
    operationId: "headEntity",
    method: "HEAD",
    path: "/entity/{urn}",
    pathParams: ["urn"],
    queryParams: ["consistency", "max_lag_ms"],
    headerParams: ["Themis-Session", "If-None-Match"],
    requestMediaTypes: [],
    responseMediaType: null,
    expected: [200, 304],
    routing: "urn",
    idempotent: true,
  },
  putEntity: {
    operationId: "putEntity",
    method: "PUT",
    path: "/entity/{urn}",
    pathParams: ["urn"],
    queryParams: [],
    headerParams: ["If-Match", "If-None-Match", "Idempotency-Key"],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [200, 201],
    routing: "urn",
    idempotent: false,
  },
  patchEntity: {
    operationId: "patchEntity",
    method: "PATCH",
    path: "/entity/{urn}",
    pathParams: ["urn"],
    queryParams: [],
    headerParams: ["If-Match", "Idempotency-Key"],
    requestMediaTypes: ["application/merge-patch+json", "application/json"],
    responseMediaType: "application/json",
    expected: [200],
    routing: "urn",
    idempotent: false,
  },
  deleteEntity: {
    operationId: "deleteEntity",
    method: "DELETE",
    path: "/entity/{urn}",
    pathParams: ["urn"],
    queryParams: [],
    headerParams: ["If-Match", "Idempotency-Key"],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "urn",
    idempotent: false,
  },
  batchGet: {
    operationId: "batchGet",
    method: "POST",
    path: "/batch/get",
    pathParams: [],
    queryParams: ["consistency", "max_lag_ms"],
    headerParams: ["Themis-Session"],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [200],
    routing: "urn",
    idempotent: true,
  },
  batchPut: {
    operationId: "batchPut",
    method: "POST",
    path: "/batch/put",
    pathParams: [],
    queryParams: [],
    headerParams: ["Idempotency-Key"],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [200],
    routing: "urn",
    idempotent: false,
  },
  batchDelete: {
    operationId: "batchDelete",
    method: "POST",
    path: "/batch/delete",
    pathParams: [],
    queryParams: [],
    headerParams: ["Idempotency-Key"],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [200],
    routing: "urn",
    idempotent: false,
  },
  listNamespaces: {
    operationId: "listNamespaces",
    method: "GET",
    path: "/namespaces",
    pathParams: [],
    queryParams: ["limit", "cursor"],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  createNamespace: {
    operationId: "createNamespace",
    method: "POST",
    path: "/namespaces",
    pathParams: [],
    queryParams: [],
    headerParams: ["Idempotency-Key"],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [201],
    routing: "leader",
    idempotent: false,
  },
  getNamespace: {
    operationId: "getNamespace",
    method: "GET",
    path: "/namespaces/{namespace}",
    pathParams: ["namespace"],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  alterNamespace: {
    operationId: "alterNamespace",
    method: "PATCH",
    path: "/namespaces/{namespace}",
    pathParams: ["namespace"],
    queryParams: [],
    headerParams: ["Idempotency-Key"],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [200],
    routing: "leader",
    idempotent: false,
  },
  dropNamespace: {
    operationId: "dropNamespace",
    method: "DELETE",
    path: "/namespaces/{namespace}",
    pathParams: ["namespace"],
    queryParams: ["force"],
    headerParams: ["Idempotency-Key"],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "leader",
    idempotent: false,
  },
  listCollections: {
    operationId: "listCollections",
    method: "GET",
    path: "/namespaces/{namespace}/collections",
    pathParams: ["namespace"],
    queryParams: ["limit", "cursor"],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  createCollection: {
    operationId: "createCollection",
    method: "POST",
    path: "/namespaces/{namespace}/collections",
    pathParams: ["namespace"],
    queryParams: [],
    headerParams: ["Idempotency-Key"],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [201],
    routing: "leader",
    idempotent: false,
  },
  getCollection: {
    operationId: "getCollection",
    method: "GET",
    path: "/namespaces/{namespace}/collections/{collection}",
    pathParams: ["namespace", "collection"],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  alterCollection: {
    operationId: "alterCollection",
    method: "PATCH",
    path: "/namespaces/{namespace}/collections/{collection}",
    pathParams: ["namespace", "collection"],
    queryParams: [],
    headerParams: ["Idempotency-Key"],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [200],
    routing: "leader",
    idempotent: false,
  },
  dropCollection: {
    operationId: "dropCollection",
    method: "DELETE",
    path: "/namespaces/{namespace}/collections/{collection}",
    pathParams: ["namespace", "collection"],
    queryParams: [],
    headerParams: ["Idempotency-Key"],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "leader",
    idempotent: false,
  },
  countCollection: {
    operationId: "countCollection",
    method: "GET",
    path: "/namespaces/{namespace}/collections/{collection}/count",
    pathParams: ["namespace", "collection"],
    queryParams: ["consistency", "max_lag_ms"],
    headerParams: ["Themis-Session"],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "all",
    idempotent: true,
  },
  listEntities: {
    operationId: "listEntities",
    method: "GET",
    path: "/namespaces/{namespace}/collections/{collection}/entities",
    pathParams: ["namespace", "collection"],
    queryParams: ["limit", "cursor", "include", "consistency", "max_lag_ms"],
    headerParams: ["Themis-Session"],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "all",
    idempotent: true,
  },
  getTopology: {
    operationId: "getTopology",
    method: "GET",
    path: "/topology",
    pathParams: [],
    queryParams: ["after_epoch", "wait_ms"],
    headerParams: ["If-None-Match"],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200, 304],
    routing: "any",
    idempotent: true,
  },
  getVersion: {
    operationId: "getVersion",
    method: "GET",
    path: "/version",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  getLive: {
    operationId: "getLive",
    method: "GET",
    path: "/health/live",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  getReady: {
    operationId: "getReady",
    method: "GET",
    path: "/health/ready",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  getMetrics: {
    operationId: "getMetrics",
    method: "GET",
    path: "/metrics",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "text/plain",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  getOpenapi: {
    operationId: "getOpenapi",
    method: "GET",
    path: "/openapi.json",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  adminTopology: {
    operationId: "adminTopology",
    method: "GET",
    path: "/api/admin/topology",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  adminMetrics: {
    operationId: "adminMetrics",
    method: "GET",
    path: "/api/admin/metrics",
    pathParams: [],
    queryParams: ["node_id"],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  adminStatus: {
    operationId: "adminStatus",
    method: "GET",
    path: "/api/admin/status",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  adminNodes: {
    operationId: "adminNodes",
    method: "GET",
    path: "/api/admin/nodes",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  adminNode: {
    operationId: "adminNode",
    method: "GET",
    path: "/api/admin/nodes/{node_id}",
    pathParams: ["node_id"],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  adminRemoveNode: {
    operationId: "adminRemoveNode",
    method: "DELETE",
    path: "/api/admin/nodes/{node_id}",
    pathParams: ["node_id"],
    queryParams: ["force"],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "leader",
    idempotent: true,
  },
  adminDrainNode: {
    operationId: "adminDrainNode",
    method: "POST",
    path: "/api/admin/nodes/{node_id}/drain",
    pathParams: ["node_id"],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "leader",
    idempotent: true,
  },
  adminUndrainNode: {
    operationId: "adminUndrainNode",
    method: "POST",
    path: "/api/admin/nodes/{node_id}/undrain",
    pathParams: ["node_id"],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "leader",
    idempotent: true,
  },
  adminShards: {
    operationId: "adminShards",
    method: "GET",
    path: "/api/admin/shards",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  adminShard: {
    operationId: "adminShard",
    method: "GET",
    path: "/api/admin/shards/{shard_id}",
    pathParams: ["shard_id"],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  adminTransferLeader: {
    operationId: "adminTransferLeader",
    method: "POST",
    path: "/api/admin/shards/{shard_id}/transfer-leader",
    pathParams: ["shard_id"],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  adminReplaceReplica: {
    operationId: "adminReplaceReplica",
    method: "POST",
    path: "/api/admin/shards/{shard_id}/replace-replica",
    pathParams: ["shard_id"],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [200],
    routing: "leader",
    idempotent: true,
  },
  adminSetReplicas: {
    operationId: "adminSetReplicas",
    method: "PUT",
    path: "/api/admin/replicas",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [200],
    routing: "leader",
    idempotent: true,
  },
  adminJoinTokens: {
    operationId: "adminJoinTokens",
    method: "GET",
    path: "/api/admin/join-tokens",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "any",
    idempotent: true,
  },
  adminCreateJoinToken: {
    operationId: "adminCreateJoinToken",
    method: "POST",
    path: "/api/admin/join-tokens",
    pathParams: [],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [201],
    routing: "leader",
    idempotent: true,
  },
  adminRevokeJoinToken: {
    operationId: "adminRevokeJoinToken",
    method: "DELETE",
    path: "/api/admin/join-tokens/{token_id}",
    pathParams: ["token_id"],
    queryParams: [],
    headerParams: [],
    requestMediaTypes: [],
    responseMediaType: "application/json",
    expected: [200],
    routing: "leader",
    idempotent: true,
  },
};
