package dev.themisdb.client.errors;

import org.jspecify.annotations.Nullable;

/**
 * The root: {@code catch (ThemisException e)} catches whatever this package throws on purpose.
 *
 * <p>All are unchecked. No message holds a token or a document.
 */
public class ThemisException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client.
   *
   * @param message for people
   * @param cause what lies behind it, if anything
   */
  protected ThemisException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
