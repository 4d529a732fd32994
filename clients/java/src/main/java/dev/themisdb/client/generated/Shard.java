// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A Raft group.
 *
 * @param shardId its id
 * @param leader the node that leads it, null while there is none; may be null
 * @param leaderTerm the Raft term in which that node leads; missing while there is no leader; null
 *     if absent
 * @param replicas the nodes that have a replica
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Shard(
    @JsonProperty(value = "shard_id", required = true) String shardId,
    @JsonProperty(value = "leader", required = true) @Nullable String leader,
    @JsonProperty("leader_term") @Nullable Long leaderTerm,
    @JsonProperty(value = "replicas", required = true) List<Replica> replicas) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param shardId its id
   * @param leader the node that leads it, null while there is none; may be null
   * @param leaderTerm the Raft term in which that node leads; missing while there is no leader;
   *     null if absent
   * @param replicas the nodes that have a replica
   */
  public Shard {
    Objects.requireNonNull(shardId, "shard_id");
    replicas = List.copyOf(replicas);
  }
}
