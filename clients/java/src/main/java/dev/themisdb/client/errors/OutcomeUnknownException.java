package dev.themisdb.client.errors;

/** 504: the write was accepted, but not confirmed in time: it may or may not have happened. */
public class OutcomeUnknownException extends ServerException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected OutcomeUnknownException(Facts facts) {
    super(facts);
  }
}
