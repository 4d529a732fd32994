// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A page of collections.
 *
 * @param items the collections, in the order of their names
 * @param cursor where the next page begins; missing on the last; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record CollectionList(
    @JsonProperty(value = "items", required = true) List<Collection> items,
    @Nullable String cursor) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param items the collections, in the order of their names
   * @param cursor where the next page begins; missing on the last; null if absent
   */
  public CollectionList {
    items = List.copyOf(items);
  }
}
