// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * A server process.
 *
 * @param nodeId its id
 * @param endpoint where clients reach it: scheme, host and port
 * @param datacenter the datacenter it is in
 * @param rack the rack it is in
 * @param state what it is doing
 * @param version the version of its server
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Node(
    @JsonProperty(value = "node_id", required = true) String nodeId,
    @JsonProperty(value = "endpoint", required = true) String endpoint,
    @JsonProperty(value = "datacenter", required = true) String datacenter,
    @JsonProperty(value = "rack", required = true) String rack,
    @JsonProperty(value = "state", required = true) String state,
    @JsonProperty(value = "version", required = true) String version) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param nodeId its id
   * @param endpoint where clients reach it: scheme, host and port
   * @param datacenter the datacenter it is in
   * @param rack the rack it is in
   * @param state what it is doing
   * @param version the version of its server
   */
  public Node {
    Objects.requireNonNull(nodeId, "node_id");
    Objects.requireNonNull(endpoint, "endpoint");
    Objects.requireNonNull(datacenter, "datacenter");
    Objects.requireNonNull(rack, "rack");
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(version, "version");
  }
}
