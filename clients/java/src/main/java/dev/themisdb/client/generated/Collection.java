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
 * A collection.
 *
 * @param name its name
 * @param namespace the namespace it is in
 * @param model its model, fixed when it was created
 * @param id a number that no other collection of the cluster ever has, a dropped one included
 * @param options its options
 * @param createdAt when it was created (RFC 3339)
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Collection(
    @JsonProperty(value = "name", required = true) String name,
    @JsonProperty(value = "namespace", required = true) String namespace,
    @JsonProperty(value = "model", required = true) String model,
    @JsonProperty(value = "id", required = true) long id,
    @JsonProperty(value = "options", required = true) CollectionOptions options,
    @JsonProperty(value = "created_at", required = true)
        @JsonDeserialize(using = InstantReader.class)
        @JsonSerialize(using = ToStringSerializer.class)
        Instant createdAt) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param name its name
   * @param namespace the namespace it is in
   * @param model its model, fixed when it was created
   * @param id a number that no other collection of the cluster ever has, a dropped one included
   * @param options its options
   * @param createdAt when it was created (RFC 3339)
   */
  public Collection {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(createdAt, "created_at");
  }
}
