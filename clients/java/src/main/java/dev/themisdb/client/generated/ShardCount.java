// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * How many entities of a collection a shard has.
 *
 * @param shardId the shard
 * @param count how many
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ShardCount(
    @JsonProperty(value = "shard_id", required = true) String shardId,
    @JsonProperty(value = "count", required = true) long count) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param shardId the shard
   * @param count how many
   */
  public ShardCount {
    Objects.requireNonNull(shardId, "shard_id");
  }
}
