package dev.themisdb.client.errors;

/** 422: the key was used for another request. */
public class IdempotencyKeyReusedException extends ApiException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected IdempotencyKeyReusedException(Facts facts) {
    super(facts);
  }
}
