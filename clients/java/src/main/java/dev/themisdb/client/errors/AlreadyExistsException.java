package dev.themisdb.client.errors;

/** A namespace or collection of this name exists. */
public class AlreadyExistsException extends ConflictException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected AlreadyExistsException(Facts facts) {
    super(facts);
  }
}
