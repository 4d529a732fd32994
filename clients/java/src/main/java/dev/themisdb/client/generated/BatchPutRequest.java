// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import java.util.List;

/**
 * What to write.
 *
 * @param items the entities to write
 */
public record BatchPutRequest(List<PutItem> items) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param items the entities to write
   */
  public BatchPutRequest {
    items = List.copyOf(items);
  }
}
