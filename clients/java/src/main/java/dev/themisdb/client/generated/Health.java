// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * That all is well.
 *
 * @param status always ok; anything else is a Problem
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Health(@JsonProperty(value = "status", required = true) String status) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param status always ok; anything else is a Problem
   */
  public Health {
    Objects.requireNonNull(status, "status");
  }
}
