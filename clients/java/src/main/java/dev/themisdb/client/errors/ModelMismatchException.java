package dev.themisdb.client.errors;

/** The collection exists with another model. */
public class ModelMismatchException extends ConflictException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected ModelMismatchException(Facts facts) {
    super(facts);
  }
}
