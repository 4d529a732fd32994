// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A namespace to create.
 *
 * @param name its name
 * @param options its options; null if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record NamespaceCreate(String name, @Nullable NamespaceOptionsChange options) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param name its name
   * @param options its options; null if absent
   */
  public NamespaceCreate {
    Objects.requireNonNull(name, "name");
  }
}
