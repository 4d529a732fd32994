/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The JavaScript SDK of ThemisDB.
 *
 * ```ts
 * import { ThemisClient } from "themis-js";
 *
 * const client = new ThemisClient({ endpoints: ["http://127.0.0.1:8080"] });
 * await client.put("document", "users", uuid, { name: "Alice" });
 * await client.get("document", "users", uuid); // { name: "Alice" }
 * ```
 *
 * @module
 */

export { ERRORS, ErrorCode, type ErrorInfo } from "./_generated/errors.js";
export {
  type AdminMetrics,
  type AdminShard,
  type AdminTopology,
  type ClusterNode,
  type ClusterNodeDetail,
  type ClusterNodeList,
  type ClusterShard,
  type ClusterShardList,
  type ClusterStatus,
  type Collection,
  type CollectionCount,
  type CollectionOptions,
  type DiskStatus,
  type Figures,
  type HealthCounts,
  type JoinToken,
  type JoinTokenCreated,
  type LeaderTransferred,
  type MetadataStatus,
  Model,
  type Namespace,
  type NamespaceOptions,
  type Node,
  type NodeChanged,
  type NodeDetails,
  type NodeGroup,
  type NodeRemoved,
  type OperationFigures,
  type Point,
  type Replica,
  type ReplicaCounts,
  type ReplicasSet,
  type ReplicaStatus,
  type Shard,
  type ShardChanged,
  type ShardCount,
  type TokenRange,
  type Topology,
  type UnreachableNode,
  type VersionInfo,
} from "./_generated/models.js";
export { API_VERSION } from "./_generated/operations.js";
export { AdminMethods } from "./admin_methods.js";
export type { AdminMetricsOptions, JoinTokenOptions, RemoveNodeOptions, TargetOptions } from "./administration.js";
export type { DeleteItem, PutItem, PutItems } from "./batch.js";
export { BatchFailure, BatchGetResult, type BatchPlace, BatchResult } from "./batch_result.js";
export { CatalogueMethods } from "./catalogue.js";
export { ThemisClient } from "./client.js";
export type { HealthOptions, NodeHealth } from "./cluster.js";
export type { CollectionSettings, ListOptions, NamespaceSettings } from "./collections.js";
export {
  type ChangeOptions,
  type Document,
  type Entity,
  formatEtags,
  type GetEntityOptions,
  NOT_MODIFIED,
  type NotModified,
  parseEtag,
  type PutOptions,
  VERSION_MAX,
  type VersionMatch,
  type WriteResult,
} from "./entities.js";
export {
  AlreadyExistsError,
  ApiError,
  BadRequestError,
  BatchError,
  CallError,
  type CallFacts,
  ClientClosedError,
  CollectionNotFoundError,
  ConfigurationError,
  ConflictError,
  DiskFullError,
  EncodingError,
  EntityNotFoundError,
  ForbiddenError,
  IdempotencyKeyReusedError,
  InvalidUrnError,
  type InvalidUrnReason,
  LagExceededError,
  ModelMismatchError,
  NamespaceNotEmptyError,
  NamespaceNotFoundError,
  NotFoundError,
  OutcomeUnknownError,
  PreconditionFailedError,
  type ProblemDocument,
  ServerError,
  SessionNotReachedError,
  ThemisError,
  TimeoutError,
  TooLargeError,
  TooManyRequestsError,
  TransportError,
  UnauthorizedError,
  UnavailableError,
  WrongShardError,
} from "./errors.js";
export type { Consistency } from "./freshness.js";
export type { Hooks, RequestEnd, RequestRetry, RequestStart } from "./hooks.js";
export type { Integers } from "./json.js";
export { EntityIterator, type ListedEntity } from "./listing.js";
export type {
  CallOptions,
  ClientOptions,
  IdempotencyKey,
  NamespaceOption,
  ReadOptions,
  TlsOptions,
  Token,
  WriteOptions,
} from "./options.js";
export { HASH_MAX, keyHash, ringTokens, type TokenEntry, TokenTable, VIRTUAL_NODES } from "./placement.js";
export { RetryBudget, type RetryBudgetOptions, type RetryOptions, RetryPolicy } from "./retry.js";
export { FetchTransport } from "./transport/fetch.js";
export {
  Endpoint,
  type FailureKind,
  type SendOptions,
  type Transport,
  TransportFailure,
  type TransportFailureOptions,
  TransportRequest,
  type TransportResponse,
} from "./transport/message.js";
export { MODELS, NIL_UUID, Urn } from "./urn.js";
export { VERSION } from "./version.js";
export { xxh64 } from "./xxh64.js";
