package dev.themisdb.client.errors;

/** There is no such namespace (and it is not made by a write). */
public class NamespaceNotFoundException extends NotFoundException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected NamespaceNotFoundException(Facts facts) {
    super(facts);
  }
}
