package dev.themisdb.client.errors;

/** 507: the node takes no writes until there is space. */
public class DiskFullException extends ServerException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected DiskFullException(Facts facts) {
    super(facts);
  }
}
