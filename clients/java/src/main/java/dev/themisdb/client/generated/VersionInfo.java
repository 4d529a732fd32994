// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Objects;

/**
 * What the server is and can do.
 *
 * @param server the version of the server
 * @param api the version of this API, major.minor
 * @param features the features it has, in no order that matters
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record VersionInfo(
    @JsonProperty(value = "server", required = true) String server,
    @JsonProperty(value = "api", required = true) String api,
    @JsonProperty(value = "features", required = true) List<String> features) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param server the version of the server
   * @param api the version of this API, major.minor
   * @param features the features it has, in no order that matters
   */
  public VersionInfo {
    Objects.requireNonNull(server, "server");
    Objects.requireNonNull(api, "api");
    features = List.copyOf(features);
  }
}
