// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;

/**
 * A join token that was revoked.
 *
 * @param revoked its id
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record JoinTokenRevoked(@JsonProperty(value = "revoked", required = true) String revoked) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param revoked its id
   */
  public JoinTokenRevoked {
    Objects.requireNonNull(revoked, "revoked");
  }
}
