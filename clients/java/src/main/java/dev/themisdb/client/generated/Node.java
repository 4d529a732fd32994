// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A server process.
 *
 * @param nodeId its id
 * @param endpoint where clients reach it: scheme, host and port
 * @param datacenter the datacenter it is in
 * @param rack the rack it is in
 * @param state what it is doing. leaving: its replicas move to other nodes
 * @param version the version of its server
 * @param health healthy; degraded: it serves, but something is wrong with it; down: nothing has
 *     been heard of it for longer than its lease; null if absent
 * @param kind data: it holds replicas that vote; read_replica: it holds copies for bounded and
 *     eventual reads, and never leads; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Node(
    @JsonProperty(value = "node_id", required = true) String nodeId,
    @JsonProperty(value = "endpoint", required = true) String endpoint,
    @JsonProperty(value = "datacenter", required = true) String datacenter,
    @JsonProperty(value = "rack", required = true) String rack,
    @JsonProperty(value = "state", required = true) String state,
    @JsonProperty(value = "version", required = true) String version,
    @Nullable String health,
    @Nullable String kind) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param nodeId its id
   * @param endpoint where clients reach it: scheme, host and port
   * @param datacenter the datacenter it is in
   * @param rack the rack it is in
   * @param state what it is doing. leaving: its replicas move to other nodes
   * @param version the version of its server
   * @param health healthy; degraded: it serves, but something is wrong with it; down: nothing has
   *     been heard of it for longer than its lease; null if absent
   * @param kind data: it holds replicas that vote; read_replica: it holds copies for bounded and
   *     eventual reads, and never leads; null if absent
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
