// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * The replicas that a node holds.
 *
 * @param voters those that vote
 * @param learners those that only follow
 * @param leaders those that lead
 * @param lagging those that are far behind their leader
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ReplicaCounts(
    @JsonProperty(value = "voters", required = true) long voters,
    @JsonProperty(value = "learners", required = true) long learners,
    @JsonProperty(value = "leaders", required = true) long leaders,
    @JsonProperty(value = "lagging", required = true) long lagging) {}
