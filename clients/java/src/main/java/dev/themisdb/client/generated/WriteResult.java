// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * The outcome of a write.
 *
 * @param urn the URN, normalised
 * @param version the version that this write gave to the entity
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record WriteResult(
    @JsonProperty(value = "urn", required = true) String urn,
    @JsonProperty(value = "version", required = true) long version) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param urn the URN, normalised
   * @param version the version that this write gave to the entity
   */
  public WriteResult {
    Objects.requireNonNull(urn, "urn");
  }
}
