// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One entity to write.
 *
 * @param urn its URN
 * @param doc its document
 * @param ifMatch the version that the entity must have; 0 if it must not exist; null if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PutItem(
    String urn, ObjectNode doc, @JsonProperty("if_match") @Nullable Long ifMatch) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param urn its URN
   * @param doc its document
   * @param ifMatch the version that the entity must have; 0 if it must not exist; null if absent
   */
  public PutItem {
    Objects.requireNonNull(urn, "urn");
    Objects.requireNonNull(doc, "doc");
  }
}
