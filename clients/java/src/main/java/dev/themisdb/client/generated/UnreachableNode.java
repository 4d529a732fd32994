// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A node that was asked and did not answer.
 *
 * @param nodeId its id
 * @param since since when the answering node has not reached it (RFC 3339); missing if that is not
 *     known; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record UnreachableNode(
    @JsonProperty(value = "node_id", required = true) String nodeId,
    @JsonDeserialize(using = InstantReader.class) @JsonSerialize(using = ToStringSerializer.class)
        @Nullable Instant since) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param nodeId its id
   * @param since since when the answering node has not reached it (RFC 3339); missing if that is
   *     not known; null if absent
   */
  public UnreachableNode {
    Objects.requireNonNull(nodeId, "node_id");
  }
}
