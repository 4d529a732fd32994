// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An entity of a listing.
 *
 * @param urn its URN
 * @param version its version
 * @param doc its document, unless the listing was asked for versions only; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ListedEntity(
    @JsonProperty(value = "urn", required = true) String urn,
    @JsonProperty(value = "version", required = true) long version,
    @Nullable ObjectNode doc) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param urn its URN
   * @param version its version
   * @param doc its document, unless the listing was asked for versions only; null if absent
   */
  public ListedEntity {
    Objects.requireNonNull(urn, "urn");
  }
}
