package dev.themisdb.client.errors;

import java.util.OptionalLong;

/** 413: beyond a limit of the server. */
public class TooLargeException extends BadRequestException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected TooLargeException(Facts facts) {
    super(facts);
  }

  /**
   * The limit that was passed: bytes or items, by {@link #code()}.
   *
   * @return the limit, where the server names it
   */
  public OptionalLong limit() {
    return integer("limit");
  }
}
