// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * A replica of a shard.
 *
 * @param nodeId the node it is on
 * @param role whether it votes
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Replica(
    @JsonProperty(value = "node_id", required = true) String nodeId,
    @JsonProperty(value = "role", required = true) String role) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param nodeId the node it is on
   * @param role whether it votes
   */
  public Replica {
    Objects.requireNonNull(nodeId, "node_id");
    Objects.requireNonNull(role, "role");
  }
}
