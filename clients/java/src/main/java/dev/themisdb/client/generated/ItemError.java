// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Why one item of a batch failed; the members have the meanings they have in a Problem.
 *
 * @param code the stable code
 * @param status the HTTP status this failure has on its own
 * @param title the short name of the code
 * @param detail what happened this time
 * @param retryable whether the item may be sent again as it is
 * @param version with precondition_failed, the current version; null if there is no entity; null if
 *     absent
 * @param pointer where in the document, as a JSON pointer (RFC 6901); null if absent
 * @param position where in the URN or in the JSON text; null if absent
 * @param limit the limit that was passed; null if absent
 * @param expected what was expected; null if absent
 * @param owner the endpoint of the owner of the key; null if absent
 * @param epoch the epoch of the topology that says so; null if absent
 * @param retryAfterS after how many seconds to try again; null if absent
 * @param lagMs the least lag that a replica could prove in milliseconds; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ItemError(
    @JsonProperty(value = "code", required = true) String code,
    @JsonProperty(value = "status", required = true) int status,
    @JsonProperty(value = "title", required = true) String title,
    @JsonProperty(value = "detail", required = true) String detail,
    @JsonProperty(value = "retryable", required = true) boolean retryable,
    @Nullable Long version,
    @Nullable String pointer,
    @Nullable Long position,
    @Nullable Long limit,
    @Nullable String expected,
    @Nullable String owner,
    @Nullable Long epoch,
    @JsonProperty("retry_after_s") @Nullable Integer retryAfterS,
    @JsonProperty("lag_ms") @Nullable Long lagMs) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param code the stable code
   * @param status the HTTP status this failure has on its own
   * @param title the short name of the code
   * @param detail what happened this time
   * @param retryable whether the item may be sent again as it is
   * @param version with precondition_failed, the current version; null if there is no entity; null
   *     if absent
   * @param pointer where in the document, as a JSON pointer (RFC 6901); null if absent
   * @param position where in the URN or in the JSON text; null if absent
   * @param limit the limit that was passed; null if absent
   * @param expected what was expected; null if absent
   * @param owner the endpoint of the owner of the key; null if absent
   * @param epoch the epoch of the topology that says so; null if absent
   * @param retryAfterS after how many seconds to try again; null if absent
   * @param lagMs the least lag that a replica could prove in milliseconds; null if absent
   */
  public ItemError {
    Objects.requireNonNull(code, "code");
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(detail, "detail");
  }
}
