// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A point of a series.
 *
 * @param timestamp milliseconds since 1970
 * @param value the value over the interval that ends there
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Point(
    @JsonProperty(value = "timestamp", required = true) long timestamp,
    @JsonProperty(value = "value", required = true) double value) {}
