package dev.themisdb.client.core;

import dev.themisdb.client.CallOptions;
import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.generated.AdminMetrics;
import dev.themisdb.client.generated.AdminTopology;
import dev.themisdb.client.generated.ClusterNodeDetail;
import dev.themisdb.client.generated.ClusterNodeList;
import dev.themisdb.client.generated.ClusterShard;
import dev.themisdb.client.generated.ClusterShardList;
import dev.themisdb.client.generated.ClusterStatus;
import dev.themisdb.client.generated.JoinToken;
import dev.themisdb.client.generated.JoinTokenCreate;
import dev.themisdb.client.generated.JoinTokenCreated;
import dev.themisdb.client.generated.JoinTokenList;
import dev.themisdb.client.generated.JoinTokenRevoked;
import dev.themisdb.client.generated.LeaderTransfer;
import dev.themisdb.client.generated.LeaderTransferred;
import dev.themisdb.client.generated.NodeChanged;
import dev.themisdb.client.generated.NodeRemoved;
import dev.themisdb.client.generated.Operation;
import dev.themisdb.client.generated.ReplicaReplacement;
import dev.themisdb.client.generated.ReplicasSet;
import dev.themisdb.client.generated.ReplicasTarget;
import dev.themisdb.client.generated.ShardChanged;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an operator sees and changes, as flows: nodes, shards, replicas, join tokens.
 *
 * <p>All of these may be repeated (none takes an idempotency key): a change that is there already
 * is made by doing nothing. What removes or revokes is told so by a 404 when it is repeated.
 */
public final class AdminFlows {

  private AdminFlows() {}

  /**
   * GET /api/admin/topology.
   *
   * @param core the client's state
   * @param options the call's
   * @return the shards
   */
  public static Step<AdminTopology> topology(Core core, CallOptions options) {
    return fetch(core, Operation.ADMIN_TOPOLOGY, AdminTopology.class, options);
  }

  /**
   * GET /api/admin/metrics.
   *
   * @param core the client's state
   * @param nodeId whose, null for the node that answers
   * @param options the call's
   * @return the figures
   */
  public static Step<AdminMetrics> metrics(
      Core core, @Nullable String nodeId, CallOptions options) {
    List<String> query = nodeId == null ? List.of() : List.of("node_id=" + node(nodeId));
    Operation operation = Operation.ADMIN_METRICS;
    String target = Targets.withQuery(operation.path(), query);
    return CollectionFlows.fetch(core, operation, target, AdminMetrics.class, options.timeout());
  }

  /**
   * GET /api/admin/status.
   *
   * @param core the client's state
   * @param options the call's
   * @return the state
   */
  public static Step<ClusterStatus> status(Core core, CallOptions options) {
    return fetch(core, Operation.ADMIN_STATUS, ClusterStatus.class, options);
  }

  // Nodes

  /**
   * GET /api/admin/nodes.
   *
   * @param core the client's state
   * @param options the call's
   * @return the nodes
   */
  public static Step<ClusterNodeList> nodes(Core core, CallOptions options) {
    return fetch(core, Operation.ADMIN_NODES, ClusterNodeList.class, options);
  }

  /**
   * GET /api/admin/nodes/{node_id}.
   *
   * @param core the client's state
   * @param nodeId which
   * @param options the call's
   * @return the node
   */
  public static Step<ClusterNodeDetail> node(Core core, String nodeId, CallOptions options) {
    return fetch(core, Operation.ADMIN_NODE, ClusterNodeDetail.class, options, node(nodeId));
  }

  /**
   * DELETE /api/admin/nodes/{node_id}.
   *
   * @param core the client's state
   * @param nodeId which
   * @param force whether although it may hold what no other node has
   * @param options the call's
   * @return what was removed
   */
  public static Step<NodeRemoved> removeNode(
      Core core, String nodeId, boolean force, CallOptions options) {
    String target = Targets.path(Operation.ADMIN_REMOVE_NODE, node(nodeId));
    target = force ? target + "?force=true" : target;
    return change(core, Operation.ADMIN_REMOVE_NODE, target, null, NodeRemoved.class, options);
  }

  /**
   * POST /api/admin/nodes/{node_id}/drain.
   *
   * @param core the client's state
   * @param nodeId which
   * @param options the call's
   * @return the node
   */
  public static Step<NodeChanged> drainNode(Core core, String nodeId, CallOptions options) {
    String target = Targets.path(Operation.ADMIN_DRAIN_NODE, node(nodeId));
    return change(core, Operation.ADMIN_DRAIN_NODE, target, null, NodeChanged.class, options);
  }

  /**
   * POST /api/admin/nodes/{node_id}/undrain.
   *
   * @param core the client's state
   * @param nodeId which
   * @param options the call's
   * @return the node
   */
  public static Step<NodeChanged> undrainNode(Core core, String nodeId, CallOptions options) {
    String target = Targets.path(Operation.ADMIN_UNDRAIN_NODE, node(nodeId));
    return change(core, Operation.ADMIN_UNDRAIN_NODE, target, null, NodeChanged.class, options);
  }

  // Shards

  /**
   * GET /api/admin/shards.
   *
   * @param core the client's state
   * @param options the call's
   * @return the shards
   */
  public static Step<ClusterShardList> shards(Core core, CallOptions options) {
    return fetch(core, Operation.ADMIN_SHARDS, ClusterShardList.class, options);
  }

  /**
   * GET /api/admin/shards/{shard_id}.
   *
   * @param core the client's state
   * @param shardId which
   * @param options the call's
   * @return the shard
   */
  public static Step<ClusterShard> shard(Core core, String shardId, CallOptions options) {
    return fetch(core, Operation.ADMIN_SHARD, ClusterShard.class, options, shard(shardId));
  }

  /**
   * POST /api/admin/shards/{shard_id}/transfer-leader.
   *
   * @param core the client's state
   * @param shardId which
   * @param to the node that is to lead, null for the voter that is furthest
   * @param options the call's
   * @return who leads
   */
  public static Step<LeaderTransferred> transferLeader(
      Core core, String shardId, @Nullable String to, CallOptions options) {
    Operation operation = Operation.ADMIN_TRANSFER_LEADER;
    String target = Targets.path(operation, shard(shardId));
    LeaderTransfer body = new LeaderTransfer(to == null ? null : node(to));
    return change(core, operation, target, body, LeaderTransferred.class, options);
  }

  /**
   * POST /api/admin/shards/{shard_id}/replace-replica.
   *
   * @param core the client's state
   * @param shardId which
   * @param from the node that has a replica
   * @param to the node that is to have it, null for where the cluster chooses
   * @param options the call's
   * @return the shard
   */
  public static Step<ShardChanged> replaceReplica(
      Core core, String shardId, String from, @Nullable String to, CallOptions options) {
    Operation operation = Operation.ADMIN_REPLACE_REPLICA;
    String target = Targets.path(operation, shard(shardId));
    ReplicaReplacement body = new ReplicaReplacement(node(from), to == null ? null : node(to));
    return change(core, operation, target, body, ShardChanged.class, options);
  }

  /**
   * PUT /api/admin/replicas.
   *
   * @param core the client's state
   * @param replicas how many voting replicas a shard shall have
   * @param options the call's
   * @return what is wanted now
   */
  public static Step<ReplicasSet> setReplicas(Core core, int replicas, CallOptions options) {
    Operation operation = Operation.ADMIN_SET_REPLICAS;
    ReplicasTarget body = new ReplicasTarget(replicas);
    return change(core, operation, operation.path(), body, ReplicasSet.class, options);
  }

  // Join tokens

  /**
   * GET /api/admin/join-tokens.
   *
   * @param core the client's state
   * @param options the call's
   * @return the tokens
   */
  public static Step<List<JoinToken>> joinTokens(Core core, CallOptions options) {
    return fetch(core, Operation.ADMIN_JOIN_TOKENS, JoinTokenList.class, options)
        .map(JoinTokenList::items);
  }

  /**
   * POST /api/admin/join-tokens.
   *
   * @param core the client's state
   * @param ttl how long it is good, null for as long as the server likes
   * @param description for people, null for none
   * @param options the call's
   * @return the token
   */
  public static Step<JoinTokenCreated> createJoinToken(
      Core core, @Nullable Duration ttl, @Nullable String description, CallOptions options) {
    Operation operation = Operation.ADMIN_CREATE_JOIN_TOKEN;
    JoinTokenCreate body = new JoinTokenCreate(ttl == null ? null : seconds(ttl), description);
    return change(core, operation, operation.path(), body, JoinTokenCreated.class, options);
  }

  /**
   * DELETE /api/admin/join-tokens/{token_id}.
   *
   * @param core the client's state
   * @param tokenId which
   * @param options the call's
   * @return its id
   */
  public static Step<String> revokeJoinToken(Core core, String tokenId, CallOptions options) {
    Operation operation = Operation.ADMIN_REVOKE_JOIN_TOKEN;
    String target = Targets.path(operation, Checks.name(tokenId, "id of a join token"));
    return change(core, operation, target, null, JoinTokenRevoked.class, options)
        .map(JoinTokenRevoked::revoked);
  }

  private static <T> Step<T> fetch(
      Core core, Operation operation, Class<T> type, CallOptions options, String... names) {
    String target = Targets.path(operation, names);
    return CollectionFlows.fetch(core, operation, target, type, options.timeout());
  }

  private static <T> Step<T> change(
      Core core,
      Operation operation,
      String target,
      @Nullable Object body,
      Class<T> type,
      CallOptions options) {
    Call call = new Call(operation, target, core.timeoutNanos(options.timeout()));
    if (body != null) {
      call.headers.put(Headers.CONTENT_TYPE, Headers.JSON);
      call.body = Json.encodeModel(body);
    }
    return Course.perform(core, call).map(answer -> answer.decoded(type));
  }

  private static String node(String nodeId) {
    return Checks.name(nodeId, "id of a node");
  }

  private static String shard(String shardId) {
    return Checks.name(shardId, "id of a shard");
  }

  private static int seconds(Duration ttl) {
    try {
      return Math.toIntExact(ttl.toSeconds());
    } catch (ArithmeticException e) {
      throw new ConfigurationException("no join token is good for " + ttl);
    }
  }
}
