// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * A replica as the node that holds it sees it.
 *
 * @param shardId the shard; {@code metadata} for the group of the metadata
 * @param role whether it votes
 * @param state its state in Raft
 * @param term its Raft term
 * @param applied the index of the last entry it has applied
 * @param commit the index of the last entry it knows to be committed
 * @param logBytes the size of its log
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record NodeGroup(
    @JsonProperty(value = "shard_id", required = true) String shardId,
    @JsonProperty(value = "role", required = true) String role,
    @JsonProperty(value = "state", required = true) String state,
    @JsonProperty(value = "term", required = true) long term,
    @JsonProperty(value = "applied", required = true) long applied,
    @JsonProperty(value = "commit", required = true) long commit,
    @JsonProperty(value = "log_bytes", required = true) long logBytes) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param shardId the shard; {@code metadata} for the group of the metadata
   * @param role whether it votes
   * @param state its state in Raft
   * @param term its Raft term
   * @param applied the index of the last entry it has applied
   * @param commit the index of the last entry it knows to be committed
   * @param logBytes the size of its log
   */
  public NodeGroup {
    Objects.requireNonNull(shardId, "shard_id");
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(state, "state");
  }
}
