// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * How many there are, by their health.
 *
 * @param total all of them
 * @param healthy those with which all is well
 * @param degraded those that serve although something is wrong
 * @param down those that do not serve
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record HealthCounts(
    @JsonProperty(value = "total", required = true) long total,
    @JsonProperty(value = "healthy", required = true) long healthy,
    @JsonProperty(value = "degraded", required = true) long degraded,
    @JsonProperty(value = "down", required = true) long down) {}
