// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The state of the cluster.
 *
 * @param cluster its name
 * @param nodeId the node that answered
 * @param epoch the epoch of the topology
 * @param replicas how many voting replicas each shard shall have
 * @param coordinator the node that places replicas and balances leaders, null while there is none;
 *     may be null
 * @param nodes the nodes
 * @param shards the shards. degraded: a replica is missing or down; down: there is no leader
 * @param metadata the metadata
 * @param unsettled the shards whose replicas are not yet where the topology wants them
 * @param findings what an operator should look at, the gravest first. For people; do not parse it
 * @param unreachable the nodes that the answering node does not reach; missing if it reaches all;
 *     null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ClusterStatus(
    @JsonProperty(value = "cluster", required = true) String cluster,
    @JsonProperty(value = "node_id", required = true) String nodeId,
    @JsonProperty(value = "epoch", required = true) long epoch,
    @JsonProperty(value = "replicas", required = true) int replicas,
    @JsonProperty(value = "coordinator", required = true) @Nullable String coordinator,
    @JsonProperty(value = "nodes", required = true) HealthCounts nodes,
    @JsonProperty(value = "shards", required = true) HealthCounts shards,
    @JsonProperty(value = "metadata", required = true) MetadataStatus metadata,
    @JsonProperty(value = "unsettled", required = true) List<String> unsettled,
    @JsonProperty(value = "findings", required = true) List<String> findings,
    @Nullable List<UnreachableNode> unreachable) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param cluster its name
   * @param nodeId the node that answered
   * @param epoch the epoch of the topology
   * @param replicas how many voting replicas each shard shall have
   * @param coordinator the node that places replicas and balances leaders, null while there is
   *     none; may be null
   * @param nodes the nodes
   * @param shards the shards. degraded: a replica is missing or down; down: there is no leader
   * @param metadata the metadata
   * @param unsettled the shards whose replicas are not yet where the topology wants them
   * @param findings what an operator should look at, the gravest first. For people; do not parse it
   * @param unreachable the nodes that the answering node does not reach; missing if it reaches all;
   *     null if absent
   */
  public ClusterStatus {
    Objects.requireNonNull(cluster, "cluster");
    Objects.requireNonNull(nodeId, "node_id");
    Objects.requireNonNull(nodes, "nodes");
    Objects.requireNonNull(shards, "shards");
    Objects.requireNonNull(metadata, "metadata");
    unsettled = List.copyOf(unsettled);
    findings = List.copyOf(findings);
    unreachable = unreachable == null ? null : List.copyOf(unreachable);
  }
}
