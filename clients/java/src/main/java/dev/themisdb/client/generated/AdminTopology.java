// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * The shards as an operator sees them.
 *
 * @param epoch the epoch of the topology
 * @param shards the shards, in the order of their ids
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record AdminTopology(
    @JsonProperty(value = "epoch", required = true) long epoch,
    @JsonProperty(value = "shards", required = true) List<AdminShard> shards) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param epoch the epoch of the topology
   * @param shards the shards, in the order of their ids
   */
  public AdminTopology {
    shards = List.copyOf(shards);
  }
}
