// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A node, and what it says of itself.
 *
 * @param epoch the epoch of the topology
 * @param node the node
 * @param details what it says of itself; missing if it did not answer; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ClusterNodeDetail(
    @JsonProperty(value = "epoch", required = true) long epoch,
    @JsonProperty(value = "node", required = true) ClusterNode node,
    @Nullable NodeDetails details) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param epoch the epoch of the topology
   * @param node the node
   * @param details what it says of itself; missing if it did not answer; null if absent
   */
  public ClusterNodeDetail {
    Objects.requireNonNull(node, "node");
  }
}
