package dev.themisdb.client.errors;

/** 409: the state of the catalogue forbids it. */
public class ConflictException extends ApiException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected ConflictException(Facts facts) {
    super(facts);
  }
}
