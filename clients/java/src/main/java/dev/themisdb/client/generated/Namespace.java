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
 * A namespace.
 *
 * @param name its name
 * @param options its options
 * @param createdAt when it was created (RFC 3339)
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Namespace(
    @JsonProperty(value = "name", required = true) String name,
    @JsonProperty(value = "options", required = true) NamespaceOptions options,
    @JsonProperty(value = "created_at", required = true)
        @JsonDeserialize(using = InstantReader.class)
        @JsonSerialize(using = ToStringSerializer.class)
        Instant createdAt) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param name its name
   * @param options its options
   * @param createdAt when it was created (RFC 3339)
   */
  public Namespace {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(createdAt, "created_at");
  }
}
