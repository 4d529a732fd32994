// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * What a node says of itself.
 *
 * @param uptimeS how long it has been running
 * @param groups its replicas, in the order of shard ids
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record NodeDetails(
    @JsonProperty(value = "uptime_s", required = true) double uptimeS,
    @JsonProperty(value = "groups", required = true) List<NodeGroup> groups) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param uptimeS how long it has been running
   * @param groups its replicas, in the order of shard ids
   */
  public NodeDetails {
    groups = List.copyOf(groups);
  }
}
