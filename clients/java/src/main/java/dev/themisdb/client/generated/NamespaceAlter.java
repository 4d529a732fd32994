// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import java.util.Objects;

/**
 * What to change of a namespace.
 *
 * @param options the options to change
 */
public record NamespaceAlter(NamespaceOptionsChange options) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param options the options to change
   */
  public NamespaceAlter {
    Objects.requireNonNull(options, "options");
  }
}
