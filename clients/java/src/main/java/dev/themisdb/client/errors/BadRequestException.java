package dev.themisdb.client.errors;

/** 400 and others: the request itself is at fault; sending it again will not help. */
public class BadRequestException extends ApiException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected BadRequestException(Facts facts) {
    super(facts);
  }
}
