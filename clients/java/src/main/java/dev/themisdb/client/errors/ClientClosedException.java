package dev.themisdb.client.errors;

/** The client was used after it was closed. */
public final class ClientClosedException extends ThemisException {

  private static final long serialVersionUID = 1L;

  /** Made by the client. */
  public ClientClosedException() {
    super("the client is closed", null);
  }
}
