// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * The nodes of the cluster.
 *
 * @param epoch the epoch of the topology
 * @param items the nodes, in the order of their ids
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ClusterNodeList(
    @JsonProperty(value = "epoch", required = true) long epoch,
    @JsonProperty(value = "items", required = true) List<ClusterNode> items) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param epoch the epoch of the topology
   * @param items the nodes, in the order of their ids
   */
  public ClusterNodeList {
    items = List.copyOf(items);
  }
}
