// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * A node whose state was changed.
 *
 * @param nodeId its id
 * @param state its state now
 * @param epoch the epoch of the topology that says so
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record NodeChanged(
    @JsonProperty(value = "node_id", required = true) String nodeId,
    @JsonProperty(value = "state", required = true) String state,
    @JsonProperty(value = "epoch", required = true) long epoch) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param nodeId its id
   * @param state its state now
   * @param epoch the epoch of the topology that says so
   */
  public NodeChanged {
    Objects.requireNonNull(nodeId, "node_id");
    Objects.requireNonNull(state, "state");
  }
}
