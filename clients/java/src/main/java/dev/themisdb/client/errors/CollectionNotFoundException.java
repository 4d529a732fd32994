package dev.themisdb.client.errors;

/** There is no such collection (and it is not made by a write). */
public class CollectionNotFoundException extends NotFoundException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected CollectionNotFoundException(Facts facts) {
    super(facts);
  }
}
