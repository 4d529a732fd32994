package dev.themisdb.client.errors;

/** 404. */
public class NotFoundException extends ApiException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected NotFoundException(Facts facts) {
    super(facts);
  }
}
