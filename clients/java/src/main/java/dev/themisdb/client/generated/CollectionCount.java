// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * How many entities a collection has.
 *
 * @param count the sum
 * @param shards the count of each shard, in the order of shard ids
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record CollectionCount(
    @JsonProperty(value = "count", required = true) long count,
    @JsonProperty(value = "shards", required = true) List<ShardCount> shards) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param count the sum
   * @param shards the count of each shard, in the order of shard ids
   */
  public CollectionCount {
    shards = List.copyOf(shards);
  }
}
