// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A node as an operator sees it.
 *
 * @param nodeId its id
 * @param endpoint where clients reach it: scheme, host and port
 * @param peer where the other nodes reach it: host and port; empty if it has no peer port
 * @param datacenter the datacenter it is in
 * @param rack the rack it is in
 * @param kind what it is for
 * @param state what it is doing
 * @param health as the cluster sees it, by its registration
 * @param reasons why it is not healthy
 * @param version the version of its server
 * @param reachable whether it answered the node that was asked
 * @param unreachableSince since when it has not been reached (RFC 3339); missing if it is, or if
 *     that is not known; null if absent
 * @param replicas the replicas that it holds
 * @param disk its disk; missing if it has never reported; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ClusterNode(
    @JsonProperty(value = "node_id", required = true) String nodeId,
    @JsonProperty(value = "endpoint", required = true) String endpoint,
    @JsonProperty(value = "peer", required = true) String peer,
    @JsonProperty(value = "datacenter", required = true) String datacenter,
    @JsonProperty(value = "rack", required = true) String rack,
    @JsonProperty(value = "kind", required = true) String kind,
    @JsonProperty(value = "state", required = true) String state,
    @JsonProperty(value = "health", required = true) String health,
    @JsonProperty(value = "reasons", required = true) List<String> reasons,
    @JsonProperty(value = "version", required = true) String version,
    @JsonProperty(value = "reachable", required = true) boolean reachable,
    @JsonProperty("unreachable_since")
        @JsonDeserialize(using = InstantReader.class)
        @JsonSerialize(using = ToStringSerializer.class)
        @Nullable Instant unreachableSince,
    @JsonProperty(value = "replicas", required = true) ReplicaCounts replicas,
    @Nullable DiskStatus disk) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param nodeId its id
   * @param endpoint where clients reach it: scheme, host and port
   * @param peer where the other nodes reach it: host and port; empty if it has no peer port
   * @param datacenter the datacenter it is in
   * @param rack the rack it is in
   * @param kind what it is for
   * @param state what it is doing
   * @param health as the cluster sees it, by its registration
   * @param reasons why it is not healthy
   * @param version the version of its server
   * @param reachable whether it answered the node that was asked
   * @param unreachableSince since when it has not been reached (RFC 3339); missing if it is, or if
   *     that is not known; null if absent
   * @param replicas the replicas that it holds
   * @param disk its disk; missing if it has never reported; null if absent
   */
  public ClusterNode {
    Objects.requireNonNull(nodeId, "node_id");
    Objects.requireNonNull(endpoint, "endpoint");
    Objects.requireNonNull(peer, "peer");
    Objects.requireNonNull(datacenter, "datacenter");
    Objects.requireNonNull(rack, "rack");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(health, "health");
    reasons = List.copyOf(reasons);
    Objects.requireNonNull(version, "version");
    Objects.requireNonNull(replicas, "replicas");
  }
}
