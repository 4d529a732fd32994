// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * What was dropped.
 *
 * @param dropped the name
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Dropped(@JsonProperty(value = "dropped", required = true) String dropped) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param dropped the name
   */
  public Dropped {
    Objects.requireNonNull(dropped, "dropped");
  }
}
