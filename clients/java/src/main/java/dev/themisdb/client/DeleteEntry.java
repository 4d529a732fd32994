package dev.themisdb.client;

import org.jspecify.annotations.Nullable;

/**
 * One item to delete.
 *
 * @param name its uuid, or its URN where the call asks for URNs
 * @param ifMatch the version it must have, null for no condition
 */
public record DeleteEntry(CharSequence name, @Nullable Long ifMatch) {

  /**
   * An item without condition.
   *
   * @param name its uuid, or its URN
   * @return the item
   */
  public static DeleteEntry of(CharSequence name) {
    return new DeleteEntry(name, null);
  }

  /**
   * An item with a condition.
   *
   * @param name its uuid, or its URN
   * @param ifMatch the version it must have
   * @return the item
   */
  public static DeleteEntry of(CharSequence name, long ifMatch) {
    return new DeleteEntry(name, ifMatch);
  }
}
