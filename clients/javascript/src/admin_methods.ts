/** The operator's part of `ThemisClient`: methods without state of their own. */

import type {
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
} from "./_generated/models.js";
import * as administration from "./administration.js";
import type { AdminMetricsOptions, JoinTokenOptions, RemoveNodeOptions, TargetOptions } from "./administration.js";
import type { Core } from "./core.js";
import type { CallOptions } from "./options.js";

/** What `ThemisClient` can do with nodes, shards, replicas and join tokens. */
export abstract class AdminMethods {
  readonly #core: Core;

  /** @internal */
  constructor(core: Core) {
    this.#core = core;
  }

  /** The shards as an operator sees them: health, ranges, key counts. */
  async adminTopology(options: CallOptions = {}): Promise<AdminTopology> {
    return administration.topology(this.#core, options);
  }

  /** The figures of one node for a dashboard: the one that answers, or the one named. */
  async adminMetrics(options: AdminMetricsOptions = {}): Promise<AdminMetrics> {
    return administration.metrics(this.#core, options);
  }

  /** The state of the cluster: nodes and shards by health, the metadata, and what an operator should look at. */
  async adminStatus(options: CallOptions = {}): Promise<ClusterStatus> {
    return administration.status(this.#core, options);
  }

  // Nodes

  /** The nodes: where they are, how they are, what they hold. */
  async adminNodes(options: CallOptions = {}): Promise<ClusterNodeList> {
    return administration.nodes(this.#core, options);
  }

  /**
   * A node, and what it says of itself.
   *
   * @throws NotFoundError
   */
  async adminNode(nodeId: string, options: CallOptions = {}): Promise<ClusterNodeDetail> {
    return administration.node(this.#core, nodeId, options);
  }

  /**
   * Remove a drained node for good; with `force` any, for one that will never come back.
   *
   * @throws NotFoundError (with `attempts` above 1: perhaps because it is done), ConflictError while it holds what no
   * other node has.
   */
  async adminRemoveNode(nodeId: string, options: RemoveNodeOptions = {}): Promise<NodeRemoved> {
    return administration.removeNode(this.#core, nodeId, options);
  }

  /** Move everything off a node. It is drained when `replicas` of `adminNode` are all 0. */
  async adminDrainNode(nodeId: string, options: CallOptions = {}): Promise<NodeChanged> {
    return administration.drainNode(this.#core, nodeId, options);
  }

  /** Let a node that is leaving stay. */
  async adminUndrainNode(nodeId: string, options: CallOptions = {}): Promise<NodeChanged> {
    return administration.undrainNode(this.#core, nodeId, options);
  }

  // Shards

  /** The shards with their leaders, and how far each of their replicas is. */
  async adminShards(options: CallOptions = {}): Promise<ClusterShardList> {
    return administration.shards(this.#core, options);
  }

  /**
   * One shard with its replicas.
   *
   * @throws NotFoundError
   */
  async adminShard(shardId: string, options: CallOptions = {}): Promise<ClusterShard> {
    return administration.shard(this.#core, shardId, options);
  }

  /**
   * Move the leader of a shard to the node `target`, or to the voter that is furthest. Resolves when it leads.
   *
   * @throws ConflictError where that cannot be.
   */
  async adminTransferLeader(shardId: string, options: TargetOptions = {}): Promise<LeaderTransferred> {
    return administration.transferLeader(this.#core, shardId, options);
  }

  /**
   * Move a replica of a shard from the node `source` to `target`, or to where the cluster chooses. Complete when
   * `settled` of `adminShard` is true.
   *
   * @throws ConflictError where that cannot be.
   */
  async adminReplaceReplica(shardId: string, source: string, options: TargetOptions = {}): Promise<ShardChanged> {
    return administration.replaceReplica(this.#core, shardId, source, options);
  }

  /** Set how many voting replicas a shard shall have. `unsettled` of `adminStatus` says which are on the way. */
  async adminSetReplicas(replicas: number, options: CallOptions = {}): Promise<ReplicasSet> {
    return administration.setReplicas(this.#core, replicas, options);
  }

  // Join tokens

  /** The join tokens that are good, without their secrets. */
  async adminJoinTokens(options: CallOptions = {}): Promise<JoinToken[]> {
    return administration.joinTokens(this.#core, options);
  }

  /** Make a join token, good for `ttlS` seconds (else a day). Its `token` is a secret, and not shown again. */
  async adminCreateJoinToken(options: JoinTokenOptions = {}): Promise<JoinTokenCreated> {
    return administration.createJoinToken(this.#core, options);
  }

  /**
   * Revoke a join token; returns its id.
   *
   * @throws NotFoundError (with `attempts` above 1: perhaps because it is done).
   */
  async adminRevokeJoinToken(tokenId: string, options: CallOptions = {}): Promise<string> {
    return administration.revokeJoinToken(this.#core, tokenId, options);
  }
}
