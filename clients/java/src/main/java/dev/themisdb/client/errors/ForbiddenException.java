package dev.themisdb.client.errors;

/** 403: the token is good, the permission is missing. */
public class ForbiddenException extends ApiException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected ForbiddenException(Facts facts) {
    super(facts);
  }
}
