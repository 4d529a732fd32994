// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * The options to set; those not named stay as they are, or as by default in a new collection.
 *
 * @param description what it is for. At first empty; null if absent
 * @param cacheMaxAgeS how many seconds a client may keep a document without asking. At first 0;
 *     null if absent
 * @param changeFeed whether changes are recorded for the change feed. At first true; null if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record CollectionOptionsChange(
    @Nullable String description,
    @JsonProperty("cache_max_age_s") @Nullable Integer cacheMaxAgeS,
    @JsonProperty("change_feed") @Nullable Boolean changeFeed) {}
