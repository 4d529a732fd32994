// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * A join token to make.
 *
 * @param ttlS for how many seconds it is good. Without it, a day; null if absent
 * @param description what it is for; null if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record JoinTokenCreate(
    @JsonProperty("ttl_s") @Nullable Integer ttlS, @Nullable String description) {}
