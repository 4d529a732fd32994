package dev.themisdb.client.errors;

import org.jspecify.annotations.Nullable;

/** The deadline of the call passed, all attempts and waits included. */
public final class TimeoutException extends CallException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client.
   *
   * @param reason what happened, for people
   * @param attempts how often the request was sent
   * @param requestId under which id the servers know it
   * @param outcomeUnknown whether it is a write that may have happened all the same
   * @param cause what lies behind it, if anything
   */
  public TimeoutException(
      String reason,
      int attempts,
      String requestId,
      boolean outcomeUnknown,
      @Nullable Throwable cause) {
    super(reason, attempts, requestId, outcomeUnknown, cause);
  }
}
