package dev.themisdb.client.errors;

/** 401: no token, or one that is not accepted (any more). */
public class UnauthorizedException extends ApiException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected UnauthorizedException(Facts facts) {
    super(facts);
  }
}
