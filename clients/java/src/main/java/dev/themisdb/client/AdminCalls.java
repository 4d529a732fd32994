package dev.themisdb.client;

import dev.themisdb.client.core.AdminFlows;
import dev.themisdb.client.generated.AdminMetrics;
import dev.themisdb.client.generated.AdminTopology;
import dev.themisdb.client.generated.ClusterNodeDetail;
import dev.themisdb.client.generated.ClusterNodeList;
import dev.themisdb.client.generated.ClusterShard;
import dev.themisdb.client.generated.ClusterShardList;
import dev.themisdb.client.generated.ClusterStatus;
import dev.themisdb.client.generated.JoinToken;
import dev.themisdb.client.generated.JoinTokenCreated;
import dev.themisdb.client.generated.LeaderTransferred;
import dev.themisdb.client.generated.NodeChanged;
import dev.themisdb.client.generated.NodeRemoved;
import dev.themisdb.client.generated.ReplicasSet;
import dev.themisdb.client.generated.ShardChanged;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client can do with nodes, shards, replicas and join tokens.
 *
 * <p>All of it may be repeated, so no idempotency key is ever sent: a change that is there already
 * is made by doing nothing.
 */
abstract class AdminCalls extends ClusterCalls {

  AdminCalls() {}

  /**
   * Reads the shards as an operator sees them: health, ranges, key counts.
   *
   * @return the shards
   */
  public AdminTopology adminTopology() {
    return adminTopology(CallOptions.DEFAULT);
  }

  /**
   * Reads the shards as an operator sees them: health, ranges, key counts.
   *
   * @param options the options of this call
   * @return the shards
   */
  public AdminTopology adminTopology(CallOptions options) {
    return run(() -> AdminFlows.topology(core(), options));
  }

  /**
   * Reads the figures of one node for a dashboard.
   *
   * @return the figures
   */
  public AdminMetrics adminMetrics() {
    return adminMetrics(CallOptions.DEFAULT);
  }

  /**
   * Reads the figures of one node for a dashboard.
   *
   * @param options the options of this call
   * @return the figures
   */
  public AdminMetrics adminMetrics(CallOptions options) {
    return run(() -> AdminFlows.metrics(core(), null, options));
  }

  /**
   * Reads the figures of one node for a dashboard.
   *
   * @param nodeId the node
   * @return the figures
   */
  public AdminMetrics adminMetrics(String nodeId) {
    return adminMetrics(nodeId, CallOptions.DEFAULT);
  }

  /**
   * Reads the figures of one node for a dashboard.
   *
   * @param nodeId the node
   * @param options the options of this call
   * @return the figures
   */
  public AdminMetrics adminMetrics(String nodeId, CallOptions options) {
    return run(() -> AdminFlows.metrics(core(), nodeId, options));
  }

  /**
   * Reads the state of the cluster: nodes and shards by health, the metadata, and what an operator
   * should look at.
   *
   * @return the state
   */
  public ClusterStatus adminStatus() {
    return adminStatus(CallOptions.DEFAULT);
  }

  /**
   * Reads the state of the cluster: nodes and shards by health, the metadata, and what an operator
   * should look at.
   *
   * @param options the options of this call
   * @return the state
   */
  public ClusterStatus adminStatus(CallOptions options) {
    return run(() -> AdminFlows.status(core(), options));
  }

  // Nodes

  /**
   * Reads the nodes: where they are, how they are, what they hold.
   *
   * @return the nodes
   */
  public ClusterNodeList adminNodes() {
    return adminNodes(CallOptions.DEFAULT);
  }

  /**
   * Reads the nodes: where they are, how they are, what they hold.
   *
   * @param options the options of this call
   * @return the nodes
   */
  public ClusterNodeList adminNodes(CallOptions options) {
    return run(() -> AdminFlows.nodes(core(), options));
  }

  /**
   * Reads one node, and what it says of itself.
   *
   * @param nodeId the node
   * @return the node
   */
  public ClusterNodeDetail adminNode(String nodeId) {
    return adminNode(nodeId, CallOptions.DEFAULT);
  }

  /**
   * Reads one node, and what it says of itself.
   *
   * @param nodeId the node
   * @param options the options of this call
   * @return the node
   */
  public ClusterNodeDetail adminNode(String nodeId, CallOptions options) {
    return run(() -> AdminFlows.node(core(), nodeId, options));
  }

  /**
   * Removes a drained node for good; by force any, for one that will never come back.
   *
   * <p>If it was sent more than once, that the server does not know it (NotFoundException) may mean
   * that it is done: {@code attempts()} says so.
   *
   * @param nodeId the node
   * @return what was removed
   */
  public NodeRemoved adminRemoveNode(String nodeId) {
    return adminRemoveNode(nodeId, CallOptions.DEFAULT);
  }

  /**
   * Removes a drained node for good; by force any, for one that will never come back.
   *
   * <p>If it was sent more than once, that the server does not know it (NotFoundException) may mean
   * that it is done: {@code attempts()} says so.
   *
   * @param nodeId the node
   * @param options the options of this call
   * @return what was removed
   */
  public NodeRemoved adminRemoveNode(String nodeId, CallOptions options) {
    return run(() -> AdminFlows.removeNode(core(), nodeId, false, options));
  }

  /**
   * Removes a drained node for good; by force any, for one that will never come back.
   *
   * <p>If it was sent more than once, that the server does not know it (NotFoundException) may mean
   * that it is done: {@code attempts()} says so.
   *
   * @param nodeId the node
   * @param force whether to remove it although it may hold what no other node has
   * @return what was removed
   */
  public NodeRemoved adminRemoveNode(String nodeId, boolean force) {
    return adminRemoveNode(nodeId, force, CallOptions.DEFAULT);
  }

  /**
   * Removes a drained node for good; by force any, for one that will never come back.
   *
   * <p>If it was sent more than once, that the server does not know it (NotFoundException) may mean
   * that it is done: {@code attempts()} says so.
   *
   * @param nodeId the node
   * @param force whether to remove it although it may hold what no other node has
   * @param options the options of this call
   * @return what was removed
   */
  public NodeRemoved adminRemoveNode(String nodeId, boolean force, CallOptions options) {
    return run(() -> AdminFlows.removeNode(core(), nodeId, force, options));
  }

  /**
   * Moves everything off a node. It is drained when its replicas, as {@link #adminNode} tells them,
   * are all 0.
   *
   * @param nodeId the node
   * @return the node
   */
  public NodeChanged adminDrainNode(String nodeId) {
    return adminDrainNode(nodeId, CallOptions.DEFAULT);
  }

  /**
   * Moves everything off a node. It is drained when its replicas, as {@link #adminNode} tells them,
   * are all 0.
   *
   * @param nodeId the node
   * @param options the options of this call
   * @return the node
   */
  public NodeChanged adminDrainNode(String nodeId, CallOptions options) {
    return run(() -> AdminFlows.drainNode(core(), nodeId, options));
  }

  /**
   * Lets a node that is leaving stay.
   *
   * @param nodeId the node
   * @return the node
   */
  public NodeChanged adminUndrainNode(String nodeId) {
    return adminUndrainNode(nodeId, CallOptions.DEFAULT);
  }

  /**
   * Lets a node that is leaving stay.
   *
   * @param nodeId the node
   * @param options the options of this call
   * @return the node
   */
  public NodeChanged adminUndrainNode(String nodeId, CallOptions options) {
    return run(() -> AdminFlows.undrainNode(core(), nodeId, options));
  }

  // Shards

  /**
   * Reads the shards with their leaders, and how far each of their replicas is.
   *
   * @return the shards
   */
  public ClusterShardList adminShards() {
    return adminShards(CallOptions.DEFAULT);
  }

  /**
   * Reads the shards with their leaders, and how far each of their replicas is.
   *
   * @param options the options of this call
   * @return the shards
   */
  public ClusterShardList adminShards(CallOptions options) {
    return run(() -> AdminFlows.shards(core(), options));
  }

  /**
   * Reads one shard with its replicas.
   *
   * @param shardId the shard
   * @return the shard
   */
  public ClusterShard adminShard(String shardId) {
    return adminShard(shardId, CallOptions.DEFAULT);
  }

  /**
   * Reads one shard with its replicas.
   *
   * @param shardId the shard
   * @param options the options of this call
   * @return the shard
   */
  public ClusterShard adminShard(String shardId, CallOptions options) {
    return run(() -> AdminFlows.shard(core(), shardId, options));
  }

  /**
   * Moves the leader of a shard; returns when it leads.
   *
   * @param shardId the shard
   * @return who leads
   */
  public LeaderTransferred adminTransferLeader(String shardId) {
    return adminTransferLeader(shardId, CallOptions.DEFAULT);
  }

  /**
   * Moves the leader of a shard; returns when it leads.
   *
   * @param shardId the shard
   * @param options the options of this call
   * @return who leads
   */
  public LeaderTransferred adminTransferLeader(String shardId, CallOptions options) {
    return run(() -> AdminFlows.transferLeader(core(), shardId, null, options));
  }

  /**
   * Moves the leader of a shard; returns when it leads.
   *
   * @param shardId the shard
   * @param target the node that is to lead, null for the voter that is furthest
   * @return who leads
   */
  public LeaderTransferred adminTransferLeader(String shardId, @Nullable String target) {
    return adminTransferLeader(shardId, target, CallOptions.DEFAULT);
  }

  /**
   * Moves the leader of a shard; returns when it leads.
   *
   * @param shardId the shard
   * @param target the node that is to lead, null for the voter that is furthest
   * @param options the options of this call
   * @return who leads
   */
  public LeaderTransferred adminTransferLeader(
      String shardId, @Nullable String target, CallOptions options) {
    return run(() -> AdminFlows.transferLeader(core(), shardId, target, options));
  }

  /**
   * Moves a replica of a shard to another node. It is complete when {@code settled} of {@link
   * #adminShard} is true.
   *
   * @param shardId the shard
   * @param source the node that has it
   * @return the shard
   */
  public ShardChanged adminReplaceReplica(String shardId, String source) {
    return adminReplaceReplica(shardId, source, CallOptions.DEFAULT);
  }

  /**
   * Moves a replica of a shard to another node. It is complete when {@code settled} of {@link
   * #adminShard} is true.
   *
   * @param shardId the shard
   * @param source the node that has it
   * @param options the options of this call
   * @return the shard
   */
  public ShardChanged adminReplaceReplica(String shardId, String source, CallOptions options) {
    return run(() -> AdminFlows.replaceReplica(core(), shardId, source, null, options));
  }

  /**
   * Moves a replica of a shard to another node. It is complete when {@code settled} of {@link
   * #adminShard} is true.
   *
   * @param shardId the shard
   * @param source the node that has it
   * @param target the node that is to have it, null for where the cluster chooses
   * @return the shard
   */
  public ShardChanged adminReplaceReplica(String shardId, String source, @Nullable String target) {
    return adminReplaceReplica(shardId, source, target, CallOptions.DEFAULT);
  }

  /**
   * Moves a replica of a shard to another node. It is complete when {@code settled} of {@link
   * #adminShard} is true.
   *
   * @param shardId the shard
   * @param source the node that has it
   * @param target the node that is to have it, null for where the cluster chooses
   * @param options the options of this call
   * @return the shard
   */
  public ShardChanged adminReplaceReplica(
      String shardId, String source, @Nullable String target, CallOptions options) {
    return run(() -> AdminFlows.replaceReplica(core(), shardId, source, target, options));
  }

  /**
   * Sets how many voting replicas a shard shall have. {@code unsettled} of {@link #adminStatus}
   * says which shards are on the way.
   *
   * @param replicas how many
   * @return what is wanted now
   */
  public ReplicasSet adminSetReplicas(int replicas) {
    return adminSetReplicas(replicas, CallOptions.DEFAULT);
  }

  /**
   * Sets how many voting replicas a shard shall have. {@code unsettled} of {@link #adminStatus}
   * says which shards are on the way.
   *
   * @param replicas how many
   * @param options the options of this call
   * @return what is wanted now
   */
  public ReplicasSet adminSetReplicas(int replicas, CallOptions options) {
    return run(() -> AdminFlows.setReplicas(core(), replicas, options));
  }

  // Join tokens

  /**
   * Reads the join tokens that are good, without their secrets.
   *
   * @return the tokens
   */
  public List<JoinToken> adminJoinTokens() {
    return adminJoinTokens(CallOptions.DEFAULT);
  }

  /**
   * Reads the join tokens that are good, without their secrets.
   *
   * @param options the options of this call
   * @return the tokens
   */
  public List<JoinToken> adminJoinTokens(CallOptions options) {
    return run(() -> AdminFlows.joinTokens(core(), options));
  }

  /**
   * Makes a join token, with which a node joins the cluster.
   *
   * <p>Its {@code token} is a secret, and is not shown again.
   *
   * @return the token
   */
  public JoinTokenCreated adminCreateJoinToken() {
    return adminCreateJoinToken(CallOptions.DEFAULT);
  }

  /**
   * Makes a join token, with which a node joins the cluster.
   *
   * <p>Its {@code token} is a secret, and is not shown again.
   *
   * @param options the options of this call
   * @return the token
   */
  public JoinTokenCreated adminCreateJoinToken(CallOptions options) {
    return run(() -> AdminFlows.createJoinToken(core(), null, null, options));
  }

  /**
   * Makes a join token, with which a node joins the cluster.
   *
   * <p>Its {@code token} is a secret, and is not shown again.
   *
   * @param ttl how long it is good, in whole seconds; null for a day
   * @param description for people; null for none
   * @return the token
   */
  public JoinTokenCreated adminCreateJoinToken(
      @Nullable Duration ttl, @Nullable String description) {
    return adminCreateJoinToken(ttl, description, CallOptions.DEFAULT);
  }

  /**
   * Makes a join token, with which a node joins the cluster.
   *
   * <p>Its {@code token} is a secret, and is not shown again.
   *
   * @param ttl how long it is good, in whole seconds; null for a day
   * @param description for people; null for none
   * @param options the options of this call
   * @return the token
   */
  public JoinTokenCreated adminCreateJoinToken(
      @Nullable Duration ttl, @Nullable String description, CallOptions options) {
    return run(() -> AdminFlows.createJoinToken(core(), ttl, description, options));
  }

  /**
   * Revokes a join token.
   *
   * <p>If it was sent more than once, that the server does not know it (NotFoundException) may mean
   * that it is done: {@code attempts()} says so.
   *
   * @param tokenId the id of the token
   * @return its id
   */
  public String adminRevokeJoinToken(String tokenId) {
    return adminRevokeJoinToken(tokenId, CallOptions.DEFAULT);
  }

  /**
   * Revokes a join token.
   *
   * <p>If it was sent more than once, that the server does not know it (NotFoundException) may mean
   * that it is done: {@code attempts()} says so.
   *
   * @param tokenId the id of the token
   * @param options the options of this call
   * @return its id
   */
  public String adminRevokeJoinToken(String tokenId, CallOptions options) {
    return run(() -> AdminFlows.revokeJoinToken(core(), tokenId, options));
  }
}
