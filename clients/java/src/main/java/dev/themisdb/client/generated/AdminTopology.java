// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The shards as an operator sees them.
 *
 * @param epoch the epoch of the topology
 * @param shards the shards, in the order of their ids
 * @param unreachable the nodes that are down; missing if none is; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record AdminTopology(
    @JsonProperty(value = "epoch", required = true) long epoch,
    @JsonProperty(value = "shards", required = true) List<AdminShard> shards,
    @Nullable List<UnreachableNode> unreachable) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param epoch the epoch of the topology
   * @param shards the shards, in the order of their ids
   * @param unreachable the nodes that are down; missing if none is; null if absent
   */
  public AdminTopology {
    shards = List.copyOf(shards);
    unreachable = unreachable == null ? null : List.copyOf(unreachable);
  }
}
