package dev.themisdb.client.errors;

import java.util.OptionalLong;

/** 412: the entity does not have the version asked for. */
public class PreconditionFailedException extends ApiException {

  private static final long serialVersionUID = 1L;

  /**
   * Made by the client from a problem document.
   *
   * @param facts what is known about the failed call
   */
  protected PreconditionFailedException(Facts facts) {
    super(facts);
  }

  /**
   * The version the entity has now.
   *
   * @return the version, empty if there is no entity
   */
  public OptionalLong version() {
    return integer("version");
  }
}
