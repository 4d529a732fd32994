package dev.themisdb.client.errors;

import org.jspecify.annotations.Nullable;

/** A logical call that failed after it had begun: what all such errors can tell. */
public abstract class CallException extends ThemisException {

  private static final long serialVersionUID = 1L;

  /** The message without the facts behind it. */
  private final String reason;

  /** How often it was sent. */
  private final int attempts;

  /** Under which id. */
  private final String requestId;

  /** Whether the write may have happened. */
  private final boolean outcomeUnknown;

  /**
   * Made by the client.
   *
   * @param reason what happened, for people
   * @param attempts how often the request was sent
   * @param requestId under which id the servers know it
   * @param outcomeUnknown whether it is a write that may have happened all the same
   * @param cause what lies behind it, if anything
   */
  protected CallException(
      String reason,
      int attempts,
      String requestId,
      boolean outcomeUnknown,
      @Nullable Throwable cause) {
    super(message(reason, attempts, requestId, outcomeUnknown), cause);
    this.reason = reason;
    this.attempts = attempts;
    this.requestId = requestId;
    this.outcomeUnknown = outcomeUnknown;
  }

  /**
   * What happened, without attempts and request id.
   *
   * @return for people
   */
  public final String reason() {
    return reason;
  }

  /**
   * How often the request was sent.
   *
   * @return 0 if it never was
   */
  public final int attempts() {
    return attempts;
  }

  /**
   * Under which id the servers know it.
   *
   * @return the id that is in their logs
   */
  public final String requestId() {
    return requestId;
  }

  /**
   * Whether it is a write that may have happened all the same.
   *
   * @return false for reads, and for writes that certainly did not happen
   */
  public final boolean outcomeUnknown() {
    return outcomeUnknown;
  }

  private static String message(
      String reason, int attempts, String requestId, boolean outcomeUnknown) {
    String unknown = outcomeUnknown ? "; the outcome is unknown: the write may have happened" : "";
    String times = attempts == 1 ? "1 attempt" : attempts + " attempts";
    return reason + unknown + " [" + times + ", request " + requestId + "]";
  }
}
