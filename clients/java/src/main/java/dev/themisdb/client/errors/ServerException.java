package dev.themisdb.client.errors;

/** 5xx. */
public class ServerException extends ApiException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected ServerException(Facts facts) {
    super(facts);
  }
}
