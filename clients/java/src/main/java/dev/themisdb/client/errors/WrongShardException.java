package dev.themisdb.client.errors;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * 421: the node does not own the key. The client follows the owner; this is seen only when it leads
 * nowhere.
 */
public class WrongShardException extends ApiException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected WrongShardException(Facts facts) {
    super(facts);
  }

  /**
   * Who owns the key, by that node's knowledge.
   *
   * @return the endpoint, if it said so
   */
  public Optional<String> owner() {
    return text("owner");
  }

  /**
   * The epoch of that knowledge.
   *
   * @return the epoch, if it said so
   */
  public OptionalLong epoch() {
    return integer("epoch");
  }
}
