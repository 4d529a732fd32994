package dev.themisdb.client;

import java.util.Optional;

/** What a conditional read comes to: something newer, nothing new, or nothing at all. */
public sealed interface ConditionalRead {

  /**
   * The entity has another version than those asked about.
   *
   * @param value the entity as it is now
   */
  record Changed(Entity value) implements ConditionalRead {}

  /** The entity still has a version asked about. */
  record NotModified() implements ConditionalRead {}

  /** There is no such entity. */
  record Missing() implements ConditionalRead {}

  /**
   * The entity, if it was sent.
   *
   * @return empty when it is not modified, or missing
   */
  default Optional<Entity> entity() {
    return this instanceof Changed changed ? Optional.of(changed.value()) : Optional.empty();
  }

  /**
   * Whether the copy that the caller has is still good.
   *
   * @return true for {@link NotModified}
   */
  default boolean isNotModified() {
    return this instanceof NotModified;
  }
}
