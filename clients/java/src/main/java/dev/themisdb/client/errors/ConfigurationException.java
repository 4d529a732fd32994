package dev.themisdb.client.errors;

/** An option of the client, or an argument of a call, that cannot work. */
public final class ConfigurationException extends ThemisException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client.
   *
   * @param message for people
   */
  public ConfigurationException(String message) {
    super(message, null);
  }
}
