package dev.themisdb.client.errors;

import org.jspecify.annotations.Nullable;

/** A document that is no JSON object, holds what JSON cannot express, or does not fit its class. */
public final class EncodingException extends ThemisException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client.
   *
   * @param message for people
   * @param cause what lies behind it, if anything
   */
  public EncodingException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
