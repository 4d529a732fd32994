// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A shard as an operator sees it.
 *
 * @param shardId its id
 * @param health healthy: all replicas are there and answer; degraded: some do not; down: there is
 *     no leader
 * @param leader the node that leads it, null while there is none; may be null
 * @param leaderTerm the Raft term in which it leads; missing while there is no leader; null if
 *     absent
 * @param commit the index of the last committed entry; missing if the leader did not answer; null
 *     if absent
 * @param settled whether its replicas are where the topology wants them; missing if the leader did
 *     not answer; null if absent
 * @param replicas its replicas, those to come and those to go included, in the order of node ids
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ClusterShard(
    @JsonProperty(value = "shard_id", required = true) String shardId,
    @JsonProperty(value = "health", required = true) String health,
    @JsonProperty(value = "leader", required = true) @Nullable String leader,
    @JsonProperty("leader_term") @Nullable Long leaderTerm,
    @Nullable Long commit,
    @Nullable Boolean settled,
    @JsonProperty(value = "replicas", required = true) List<ReplicaStatus> replicas) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param shardId its id
   * @param health healthy: all replicas are there and answer; degraded: some do not; down: there is
   *     no leader
   * @param leader the node that leads it, null while there is none; may be null
   * @param leaderTerm the Raft term in which it leads; missing while there is no leader; null if
   *     absent
   * @param commit the index of the last committed entry; missing if the leader did not answer; null
   *     if absent
   * @param settled whether its replicas are where the topology wants them; missing if the leader
   *     did not answer; null if absent
   * @param replicas its replicas, those to come and those to go included, in the order of node ids
   */
  public ClusterShard {
    Objects.requireNonNull(shardId, "shard_id");
    Objects.requireNonNull(health, "health");
    replicas = List.copyOf(replicas);
  }
}
