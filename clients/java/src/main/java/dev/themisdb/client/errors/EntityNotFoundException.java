package dev.themisdb.client.errors;

/** There is no entity with this URN. */
public class EntityNotFoundException extends NotFoundException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected EntityNotFoundException(Facts facts) {
    super(facts);
  }
}
