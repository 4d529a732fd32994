// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Objects;

/**
 * A shard whose places were changed.
 *
 * @param shardId the shard
 * @param epoch the epoch of the topology that says so
 * @param replicas the places that the topology wants
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ShardChanged(
    @JsonProperty(value = "shard_id", required = true) String shardId,
    @JsonProperty(value = "epoch", required = true) long epoch,
    @JsonProperty(value = "replicas", required = true) List<Replica> replicas) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param shardId the shard
   * @param epoch the epoch of the topology that says so
   * @param replicas the places that the topology wants
   */
  public ShardChanged {
    Objects.requireNonNull(shardId, "shard_id");
    replicas = List.copyOf(replicas);
  }
}
