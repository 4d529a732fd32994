// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What to delete. Exactly one of {@code urns} and {@code items}.
 *
 * @param urns the entities to delete whatever version they have; null if absent
 * @param items the entities to delete, with conditions; null if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record BatchDeleteRequest(@Nullable List<String> urns, @Nullable List<DeleteItem> items) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param urns the entities to delete whatever version they have; null if absent
   * @param items the entities to delete, with conditions; null if absent
   */
  public BatchDeleteRequest {
    urns = urns == null ? null : List.copyOf(urns);
    items = items == null ? null : List.copyOf(items);
    if ((urns == null) == (items == null)) {
      throw new IllegalArgumentException("exactly one of urns and items must be there");
    }
  }
}
