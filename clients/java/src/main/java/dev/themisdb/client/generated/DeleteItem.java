// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One entity to delete.
 *
 * @param urn its URN
 * @param ifMatch the version that the entity must have. 0 ("must not exist") is accepted, but never
 *     deletes anything; null if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record DeleteItem(String urn, @JsonProperty("if_match") @Nullable Long ifMatch) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param urn its URN
   * @param ifMatch the version that the entity must have. 0 ("must not exist") is accepted, but
   *     never deletes anything; null if absent
   */
  public DeleteItem {
    Objects.requireNonNull(urn, "urn");
  }
}
