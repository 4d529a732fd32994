// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.time.Instant;
import java.util.Objects;

/**
 * A new join token, with its secret.
 *
 * @param tokenId its id
 * @param token the token itself. A secret; it is not shown again
 * @param description what it is for; may be empty
 * @param createdAt when it was made (RFC 3339)
 * @param expiresAt when it ceases to be good (RFC 3339)
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record JoinTokenCreated(
    @JsonProperty(value = "token_id", required = true) String tokenId,
    @JsonProperty(value = "token", required = true) String token,
    @JsonProperty(value = "description", required = true) String description,
    @JsonProperty(value = "created_at", required = true)
        @JsonDeserialize(using = InstantReader.class)
        @JsonSerialize(using = ToStringSerializer.class)
        Instant createdAt,
    @JsonProperty(value = "expires_at", required = true)
        @JsonDeserialize(using = InstantReader.class)
        @JsonSerialize(using = ToStringSerializer.class)
        Instant expiresAt) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param tokenId its id
   * @param token the token itself. A secret; it is not shown again
   * @param description what it is for; may be empty
   * @param createdAt when it was made (RFC 3339)
   * @param expiresAt when it ceases to be good (RFC 3339)
   */
  public JoinTokenCreated {
    Objects.requireNonNull(tokenId, "token_id");
    Objects.requireNonNull(token, "token");
    Objects.requireNonNull(description, "description");
    Objects.requireNonNull(createdAt, "created_at");
    Objects.requireNonNull(expiresAt, "expires_at");
  }

  /**
   * Describes it without its secret.
   *
   * @return the components as text
   */
  @Override
  public String toString() {
    return "JoinTokenCreated[tokenId="
        + tokenId
        + ", token=..., description="
        + description
        + ", createdAt="
        + createdAt
        + ", expiresAt="
        + expiresAt
        + "]";
  }
}
