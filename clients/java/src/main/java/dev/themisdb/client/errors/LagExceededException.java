package dev.themisdb.client.errors;

import java.util.OptionalLong;

/** No replica that can be reached could prove to be as fresh as a bounded read wants it. */
public class LagExceededException extends UnavailableException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected LagExceededException(Facts facts) {
    super(facts);
  }

  /**
   * How far behind it might have been.
   *
   * @return milliseconds, where the server says so
   */
  public OptionalLong limit() {
    return integer("limit");
  }

  /**
   * The least lag that a replica could prove.
   *
   * @return milliseconds, where one could prove any
   */
  public OptionalLong lagMs() {
    return integer("lag_ms");
  }
}
