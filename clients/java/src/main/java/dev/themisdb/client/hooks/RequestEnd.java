package dev.themisdb.client.hooks;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A logical call ended: with a status, or with an error (or both).
 *
 * @param operation the call's operationId
 * @param requestId under which id the servers know it
 * @param endpoint who was asked last, "" if nobody was
 * @param attempts how often it was sent
 * @param status the HTTP status of the last attempt, null when none came
 * @param error what the caller gets to see, null when all is well
 * @param duration from beginning to end
 */
public record RequestEnd(
    String operation,
    String requestId,
    String endpoint,
    int attempts,
    @Nullable Integer status,
    @Nullable Throwable error,
    Duration duration) {}
