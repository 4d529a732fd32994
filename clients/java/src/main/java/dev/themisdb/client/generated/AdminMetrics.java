// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Figures for a dashboard.
 *
 * @param nodeId the node whose figures they are; null if absent
 * @param timestampMs when they were taken, in milliseconds since 1970
 * @param intervalMs the distance of the points of a series in milliseconds
 * @param queryLatencyP95 the 95th percentile of request latency in milliseconds, the oldest point
 *     first
 * @param throughput requests per second, the oldest point first
 * @param operations totals since the start, by operation, in the order of their names
 * @param storage of the storage engine
 * @param raft of the Raft groups on this node
 * @param process of the process
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record AdminMetrics(
    @JsonProperty("node_id") @Nullable String nodeId,
    @JsonProperty(value = "timestamp_ms", required = true) long timestampMs,
    @JsonProperty(value = "interval_ms", required = true) long intervalMs,
    @JsonProperty(value = "query_latency_p95", required = true) List<Point> queryLatencyP95,
    @JsonProperty(value = "throughput", required = true) List<Point> throughput,
    @JsonProperty(value = "operations", required = true) List<OperationFigures> operations,
    @JsonProperty(value = "storage", required = true) ObjectNode storage,
    @JsonProperty(value = "raft", required = true) ObjectNode raft,
    @JsonProperty(value = "process", required = true) ObjectNode process) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param nodeId the node whose figures they are; null if absent
   * @param timestampMs when they were taken, in milliseconds since 1970
   * @param intervalMs the distance of the points of a series in milliseconds
   * @param queryLatencyP95 the 95th percentile of request latency in milliseconds, the oldest point
   *     first
   * @param throughput requests per second, the oldest point first
   * @param operations totals since the start, by operation, in the order of their names
   * @param storage of the storage engine
   * @param raft of the Raft groups on this node
   * @param process of the process
   */
  public AdminMetrics {
    queryLatencyP95 = List.copyOf(queryLatencyP95);
    throughput = List.copyOf(throughput);
    operations = List.copyOf(operations);
    Objects.requireNonNull(storage, "storage");
    Objects.requireNonNull(raft, "raft");
    Objects.requireNonNull(process, "process");
  }
}
