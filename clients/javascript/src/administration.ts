/**
 * What an operator sees and changes: nodes, shards, replicas, join tokens.
 *
 * All of these may be repeated (none takes an idempotency key): a change that is there already is made by doing nothing.
 * What removes or revokes is told so by a 404 when it is repeated.
 */

import type {
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
  LeaderTransfer,
  LeaderTransferred,
  NodeChanged,
  NodeRemoved,
  ReplicaReplacement,
  ReplicasSet,
  ReplicasTarget,
  ShardChanged,
} from "./_generated/models.js";
import type { OperationId } from "./_generated/operations.js";
import * as shapes from "./admin_shapes.js";
import { change, fetchRecord, pathOf, withQuery } from "./collections.js";
import type { Core } from "./core.js";
import { type CallOptions, checkName } from "./options.js";
import type { Shape } from "./shapes.js";

/** Options of `adminMetrics`. */
export interface AdminMetricsOptions extends CallOptions {
  /** The node whose figures are wanted; the one that answers by default. */
  readonly nodeId?: string;
}

/** Options of `adminRemoveNode`. */
export interface RemoveNodeOptions extends CallOptions {
  /** Whether to remove it although it holds replicas: for a node that will never come back. */
  readonly force?: boolean;
}

/** Options of `adminTransferLeader` and `adminReplaceReplica`. */
export interface TargetOptions extends CallOptions {
  /** The node to move it to; the cluster chooses by default. */
  readonly target?: string;
}

/** Options of `adminCreateJoinToken`. */
export interface JoinTokenOptions extends CallOptions {
  /** For how many seconds it is good; a day by default. */
  readonly ttlS?: number;
  /** What it is for. */
  readonly description?: string;
}

/** GET /api/admin/topology. */
export async function topology(core: Core, options: CallOptions): Promise<AdminTopology> {
  return fetchRecord(core, "adminTopology", pathOf("adminTopology"), shapes.isAdminTopology, options);
}

/** GET /api/admin/metrics. */
export async function metrics(core: Core, options: AdminMetricsOptions): Promise<AdminMetrics> {
  const of = options.nodeId === undefined ? [] : [`node_id=${checkNode(options.nodeId)}`];
  const target = withQuery(pathOf("adminMetrics"), of);
  return fetchRecord(core, "adminMetrics", target, shapes.isAdminMetrics, options);
}

/** GET /api/admin/status. */
export async function status(core: Core, options: CallOptions): Promise<ClusterStatus> {
  return fetchRecord(core, "adminStatus", pathOf("adminStatus"), shapes.isClusterStatus, options);
}

// Nodes

/** GET /api/admin/nodes. */
export async function nodes(core: Core, options: CallOptions): Promise<ClusterNodeList> {
  return fetchRecord(core, "adminNodes", pathOf("adminNodes"), shapes.isClusterNodeList, options);
}

/** GET /api/admin/nodes/\{node_id\}. */
export async function node(core: Core, nodeId: string, options: CallOptions): Promise<ClusterNodeDetail> {
  return fetchRecord(core, "adminNode", nodePath("adminNode", nodeId), shapes.isClusterNodeDetail, options);
}

/** DELETE /api/admin/nodes/\{node_id\}. */
export async function removeNode(core: Core, nodeId: string, options: RemoveNodeOptions): Promise<NodeRemoved> {
  const force = options.force === true ? ["force=true"] : [];
  const target = withQuery(nodePath("adminRemoveNode", nodeId), force);
  return changed(core, "adminRemoveNode", target, null, shapes.isNodeRemoved, options);
}

/** POST /api/admin/nodes/\{node_id\}/drain. */
export async function drainNode(core: Core, nodeId: string, options: CallOptions): Promise<NodeChanged> {
  const target = nodePath("adminDrainNode", nodeId);
  return changed(core, "adminDrainNode", target, null, shapes.isNodeChanged, options);
}

/** POST /api/admin/nodes/\{node_id\}/undrain. */
export async function undrainNode(core: Core, nodeId: string, options: CallOptions): Promise<NodeChanged> {
  const target = nodePath("adminUndrainNode", nodeId);
  return changed(core, "adminUndrainNode", target, null, shapes.isNodeChanged, options);
}

// Shards

/** GET /api/admin/shards. */
export async function shards(core: Core, options: CallOptions): Promise<ClusterShardList> {
  return fetchRecord(core, "adminShards", pathOf("adminShards"), shapes.isClusterShardList, options);
}

/** GET /api/admin/shards/\{shard_id\}. */
export async function shard(core: Core, shardId: string, options: CallOptions): Promise<ClusterShard> {
  return fetchRecord(core, "adminShard", shardPath("adminShard", shardId), shapes.isClusterShard, options);
}

/** POST /api/admin/shards/\{shard_id\}/transfer-leader. */
export async function transferLeader(core: Core, shardId: string, options: TargetOptions): Promise<LeaderTransferred> {
  const body: LeaderTransfer = targetOf(options);
  const target = shardPath("adminTransferLeader", shardId);
  return changed(core, "adminTransferLeader", target, body, shapes.isLeaderTransferred, options);
}

/** POST /api/admin/shards/\{shard_id\}/replace-replica. */
export async function replaceReplica(
  core: Core,
  shardId: string,
  source: string,
  options: TargetOptions,
): Promise<ShardChanged> {
  const body: ReplicaReplacement = { source: checkNode(source), ...targetOf(options) };
  const target = shardPath("adminReplaceReplica", shardId);
  return changed(core, "adminReplaceReplica", target, body, shapes.isShardChanged, options);
}

/** PUT /api/admin/replicas. */
export async function setReplicas(core: Core, replicas: number, options: CallOptions): Promise<ReplicasSet> {
  const body: ReplicasTarget = { replicas };
  return changed(core, "adminSetReplicas", pathOf("adminSetReplicas"), body, shapes.isReplicasSet, options);
}

// Join tokens

/** GET /api/admin/join-tokens. */
export async function joinTokens(core: Core, options: CallOptions): Promise<JoinToken[]> {
  const target = pathOf("adminJoinTokens");
  const found = await fetchRecord(core, "adminJoinTokens", target, shapes.isJoinTokenList, options);
  return [...found.items];
}

/** POST /api/admin/join-tokens. */
export async function createJoinToken(core: Core, options: JoinTokenOptions): Promise<JoinTokenCreated> {
  const { ttlS, description } = options;
  const body: JoinTokenCreate = {
    ...(ttlS === undefined ? {} : { ttl_s: ttlS }),
    ...(description === undefined ? {} : { description }),
  };
  const target = pathOf("adminCreateJoinToken");
  return withoutSecret(await changed(core, "adminCreateJoinToken", target, body, shapes.isJoinTokenCreated, options));
}

/** Keep the secret out of what `console.log` shows of it in Node; reading and JSON have it as before. */
function withoutSecret(made: JoinTokenCreated): JoinTokenCreated {
  const shown = { ...made, token: "..." };
  return Object.defineProperty(made, Symbol.for("nodejs.util.inspect.custom"), { value: () => shown });
}

/** DELETE /api/admin/join-tokens/\{token_id\}. */
export async function revokeJoinToken(core: Core, tokenId: string, options: CallOptions): Promise<string> {
  const target = pathOf("adminRevokeJoinToken", { token_id: checkName(tokenId, "id of a join token") });
  return (await changed(core, "adminRevokeJoinToken", target, null, shapes.isJoinTokenRevoked, options)).revoked;
}

async function changed<T>(
  core: Core,
  operationId: OperationId,
  target: string,
  body: object | null,
  shape: Shape<T>,
  options: CallOptions,
): Promise<T> {
  return change(core, operationId, target, body, shape, { ...options, idempotencyKey: false });
}

function nodePath(operationId: OperationId, nodeId: string): string {
  return pathOf(operationId, { node_id: checkNode(nodeId) });
}

function shardPath(operationId: OperationId, shardId: string): string {
  return pathOf(operationId, { shard_id: checkName(shardId, "id of a shard") });
}

function checkNode(nodeId: string): string {
  return checkName(nodeId, "id of a node");
}

function targetOf({ target }: TargetOptions): { readonly target?: string } {
  return target === undefined ? {} : { target: checkNode(target) };
}
