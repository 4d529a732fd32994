// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * A range of hashes, both ends included. A range never wraps around.
 *
 * @param start the first hash
 * @param end the last hash
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record TokenRange(
    @JsonProperty(value = "start", required = true) String start,
    @JsonProperty(value = "end", required = true) String end) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param start the first hash
   * @param end the last hash
   */
  public TokenRange {
    Objects.requireNonNull(start, "start");
    Objects.requireNonNull(end, "end");
  }
}
