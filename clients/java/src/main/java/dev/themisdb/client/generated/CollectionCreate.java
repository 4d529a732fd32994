// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A collection to create.
 *
 * @param name its name
 * @param model its model
 * @param options its options; null if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record CollectionCreate(
    String name, Model model, @Nullable CollectionOptionsChange options) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param name its name
   * @param model its model
   * @param options its options; null if absent
   */
  public CollectionCreate {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(model, "model");
  }
}
