// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * Who leads now.
 *
 * @param shardId the shard
 * @param leader the node that leads it
 * @param leaderTerm the Raft term in which it leads
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record LeaderTransferred(
    @JsonProperty(value = "shard_id", required = true) String shardId,
    @JsonProperty(value = "leader", required = true) String leader,
    @JsonProperty(value = "leader_term", required = true) long leaderTerm) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param shardId the shard
   * @param leader the node that leads it
   * @param leaderTerm the Raft term in which it leads
   */
  public LeaderTransferred {
    Objects.requireNonNull(shardId, "shard_id");
    Objects.requireNonNull(leader, "leader");
  }
}
