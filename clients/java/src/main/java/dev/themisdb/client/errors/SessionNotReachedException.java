package dev.themisdb.client.errors;

/**
 * No replica that can be reached has what this client has seen already.
 *
 * <p>If that lasts, the cluster is another one, or was restored from a backup: {@code
 * forgetSession()} begins anew.
 */
public class SessionNotReachedException extends UnavailableException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected SessionNotReachedException(Facts facts) {
    super(facts);
  }
}
