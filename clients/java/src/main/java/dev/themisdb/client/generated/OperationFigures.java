// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * Figures of one operation.
 *
 * @param operation the operationId
 * @param requests requests answered
 * @param errors answers with a status of 500 or more
 * @param p50Ms the median latency in milliseconds
 * @param p95Ms the 95th percentile in milliseconds
 * @param p99Ms the 99th percentile in milliseconds
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record OperationFigures(
    @JsonProperty(value = "operation", required = true) String operation,
    @JsonProperty(value = "requests", required = true) long requests,
    @JsonProperty(value = "errors", required = true) long errors,
    @JsonProperty(value = "p50_ms", required = true) double p50Ms,
    @JsonProperty(value = "p95_ms", required = true) double p95Ms,
    @JsonProperty(value = "p99_ms", required = true) double p99Ms) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param operation the operationId
   * @param requests requests answered
   * @param errors answers with a status of 500 or more
   * @param p50Ms the median latency in milliseconds
   * @param p95Ms the 95th percentile in milliseconds
   * @param p99Ms the 99th percentile in milliseconds
   */
  public OperationFigures {
    Objects.requireNonNull(operation, "operation");
  }
}
