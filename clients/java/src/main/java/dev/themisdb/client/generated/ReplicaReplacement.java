// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Which replica is to go where.
 *
 * @param source the node that holds the replica now
 * @param target the node that is to hold it. Without it the cluster chooses; null if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ReplicaReplacement(String source, @Nullable String target) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param source the node that holds the replica now
   * @param target the node that is to hold it. Without it the cluster chooses; null if absent
   */
  public ReplicaReplacement {
    Objects.requireNonNull(source, "source");
  }
}
