// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Why a request failed (RFC 9457). Members beyond {@code request_id} are there where they apply.
 *
 * @param type https://themisdb.dev/errors/ followed by the code
 * @param title the short name of the code
 * @param status the HTTP status
 * @param detail what happened this time. For people; do not parse it
 * @param instance the path of the request
 * @param code the stable code, one of docs/reference/errors.md. New ones may come
 * @param retryable whether the same request may be sent again as it is
 * @param requestId the id under which the server logged the request
 * @param parameter the parameter or header that is wrong; null if absent
 * @param pointer where in the body, as a JSON pointer (RFC 6901); null if absent
 * @param position where in the URN (characters) or in the body (bytes), from 0; null if absent
 * @param limit the limit that was passed; {@code detail} says of what; null if absent
 * @param version with precondition_failed, the current version; null if there is no entity; null if
 *     absent
 * @param owner with wrong_shard, the endpoint to ask; null while it is not known; null if absent
 * @param epoch with wrong_shard and stale_epoch, the epoch of the topology that says so; null if
 *     absent
 * @param retryAfterS after how many seconds to try again, as in Retry-After; null if absent
 * @param allowed what would have been accepted instead; null if absent
 * @param expected what was expected there; null if absent
 * @param lagMs with lag_exceeded, the least lag that a replica could prove, in milliseconds;
 *     missing if none could; null if absent
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Problem(
    @JsonProperty(value = "type", required = true) String type,
    @JsonProperty(value = "title", required = true) String title,
    @JsonProperty(value = "status", required = true) int status,
    @JsonProperty(value = "detail", required = true) String detail,
    @JsonProperty(value = "instance", required = true) String instance,
    @JsonProperty(value = "code", required = true) String code,
    @JsonProperty(value = "retryable", required = true) boolean retryable,
    @JsonProperty(value = "request_id", required = true) String requestId,
    @Nullable String parameter,
    @Nullable String pointer,
    @Nullable Long position,
    @Nullable Long limit,
    @Nullable Long version,
    @Nullable String owner,
    @Nullable Long epoch,
    @JsonProperty("retry_after_s") @Nullable Integer retryAfterS,
    @Nullable List<String> allowed,
    @Nullable String expected,
    @JsonProperty("lag_ms") @Nullable Long lagMs) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param type https://themisdb.dev/errors/ followed by the code
   * @param title the short name of the code
   * @param status the HTTP status
   * @param detail what happened this time. For people; do not parse it
   * @param instance the path of the request
   * @param code the stable code, one of docs/reference/errors.md. New ones may come
   * @param retryable whether the same request may be sent again as it is
   * @param requestId the id under which the server logged the request
   * @param parameter the parameter or header that is wrong; null if absent
   * @param pointer where in the body, as a JSON pointer (RFC 6901); null if absent
   * @param position where in the URN (characters) or in the body (bytes), from 0; null if absent
   * @param limit the limit that was passed; {@code detail} says of what; null if absent
   * @param version with precondition_failed, the current version; null if there is no entity; null
   *     if absent
   * @param owner with wrong_shard, the endpoint to ask; null while it is not known; null if absent
   * @param epoch with wrong_shard and stale_epoch, the epoch of the topology that says so; null if
   *     absent
   * @param retryAfterS after how many seconds to try again, as in Retry-After; null if absent
   * @param allowed what would have been accepted instead; null if absent
   * @param expected what was expected there; null if absent
   * @param lagMs with lag_exceeded, the least lag that a replica could prove, in milliseconds;
   *     missing if none could; null if absent
   */
  public Problem {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(detail, "detail");
    Objects.requireNonNull(instance, "instance");
    Objects.requireNonNull(code, "code");
    Objects.requireNonNull(requestId, "request_id");
    allowed = allowed == null ? null : List.copyOf(allowed);
  }
}
