package dev.themisdb.client.errors;

/** The namespace has collections; dropping it with force drops them with it. */
public class NamespaceNotEmptyException extends ConflictException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected NamespaceNotEmptyException(Facts facts) {
    super(facts);
  }
}
