// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import java.util.List;

/**
 * What to read.
 *
 * @param urns the entities to read. A URN may occur twice; it is then answered twice
 */
public record BatchGetRequest(List<String> urns) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param urns the entities to read. A URN may occur twice; it is then answered twice
   */
  public BatchGetRequest {
    urns = List.copyOf(urns);
  }
}
