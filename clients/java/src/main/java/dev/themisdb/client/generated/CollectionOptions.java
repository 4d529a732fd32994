// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * The options of a collection.
 *
 * @param description what it is for
 * @param cacheMaxAgeS how many seconds a client may keep a document without asking; 0 means that it
 *     asks each time
 * @param changeFeed whether changes are recorded for the change feed
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record CollectionOptions(
    @JsonProperty(value = "description", required = true) String description,
    @JsonProperty(value = "cache_max_age_s", required = true) int cacheMaxAgeS,
    @JsonProperty(value = "change_feed", required = true) boolean changeFeed) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param description what it is for
   * @param cacheMaxAgeS how many seconds a client may keep a document without asking; 0 means that
   *     it asks each time
   * @param changeFeed whether changes are recorded for the change feed
   */
  public CollectionOptions {
    Objects.requireNonNull(description, "description");
  }
}
