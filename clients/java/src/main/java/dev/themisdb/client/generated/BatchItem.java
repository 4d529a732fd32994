// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of one item; it has either {@code version} (and {@code doc}, if it was read) or
 * {@code error}.
 *
 * @param urn the URN, normalised; as it was sent if it is not a URN
 * @param version the version that was read or written; null if absent
 * @param doc the document that was read; null if absent
 * @param error why this item failed; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record BatchItem(
    @JsonProperty(value = "urn", required = true) String urn,
    @Nullable Long version,
    @Nullable ObjectNode doc,
    @Nullable ItemError error) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param urn the URN, normalised; as it was sent if it is not a URN
   * @param version the version that was read or written; null if absent
   * @param doc the document that was read; null if absent
   * @param error why this item failed; null if absent
   */
  public BatchItem {
    Objects.requireNonNull(urn, "urn");
    if ((version == null) == (error == null)) {
      throw new IllegalArgumentException("exactly one of version and error must be there");
    }
  }
}
