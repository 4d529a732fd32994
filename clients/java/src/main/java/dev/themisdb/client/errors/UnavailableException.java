package dev.themisdb.client.errors;

/** 503: the node cannot serve this now. */
public class UnavailableException extends ServerException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected UnavailableException(Facts facts) {
    super(facts);
  }
}
