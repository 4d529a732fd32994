// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * A node that was removed.
 *
 * @param removed its id
 * @param epoch the epoch of the topology without it
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record NodeRemoved(
    @JsonProperty(value = "removed", required = true) String removed,
    @JsonProperty(value = "epoch", required = true) long epoch) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param removed its id
   * @param epoch the epoch of the topology without it
   */
  public NodeRemoved {
    Objects.requireNonNull(removed, "removed");
  }
}
