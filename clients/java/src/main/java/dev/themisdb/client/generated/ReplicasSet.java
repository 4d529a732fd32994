// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * How many replicas are wanted now.
 *
 * @param replicas how many voting replicas each shard shall have
 * @param epoch the epoch of the topology that says so
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ReplicasSet(
    @JsonProperty(value = "replicas", required = true) int replicas,
    @JsonProperty(value = "epoch", required = true) long epoch) {}
