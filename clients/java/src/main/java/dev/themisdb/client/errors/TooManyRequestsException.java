package dev.themisdb.client.errors;

import java.time.Duration;
import java.util.Optional;

/** 429: the server is protecting itself. */
public class TooManyRequestsException extends ApiException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected TooManyRequestsException(Facts facts) {
    super(facts);
  }

  /**
   * How long it asked to wait.
   *
   * @return the time, if it said so
   */
  public Optional<Duration> retryAfter() {
    return seconds("retry_after_s");
  }
}
