// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The shards of the cluster.
 *
 * @param epoch the epoch of the topology
 * @param items the shards, in the order of their ids
 * @param unreachable the nodes that did not answer; missing if all did; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ClusterShardList(
    @JsonProperty(value = "epoch", required = true) long epoch,
    @JsonProperty(value = "items", required = true) List<ClusterShard> items,
    @Nullable List<UnreachableNode> unreachable) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param epoch the epoch of the topology
   * @param items the shards, in the order of their ids
   * @param unreachable the nodes that did not answer; missing if all did; null if absent
   */
  public ClusterShardList {
    items = List.copyOf(items);
    unreachable = unreachable == null ? null : List.copyOf(unreachable);
  }
}
