package dev.themisdb.client.hooks;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An attempt did not answer the call, another one follows.
 *
 * @param operation the call's operationId
 * @param requestId under which id the servers know it
 * @param endpoint who was asked
 * @param attempt how often it was sent so far
 * @param reason an error code of the server, a failure kind of the transport ({@code connect},
 *     {@code lost}, {@code protocol}, {@code timeout}), or {@code token_refresh}
 * @param status the HTTP status, null when none came
 * @param delay how long the next attempt is put off
 */
public record RequestRetry(
    String operation,
    String requestId,
    String endpoint,
    int attempt,
    String reason,
    @Nullable Integer status,
    Duration delay) {}
