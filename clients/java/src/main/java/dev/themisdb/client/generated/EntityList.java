// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A page of entities.
 *
 * @param items the entities, in the order of their uuids
 * @param cursor where the next page begins; missing on the last; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record EntityList(
    @JsonProperty(value = "items", required = true) List<ListedEntity> items,
    @Nullable String cursor) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param items the entities, in the order of their uuids
   * @param cursor where the next page begins; missing on the last; null if absent
   */
  public EntityList {
    items = List.copyOf(items);
  }
}
