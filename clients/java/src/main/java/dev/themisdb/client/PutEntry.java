package dev.themisdb.client;

import org.jspecify.annotations.Nullable;

/**
 * One item to put.
 *
 * @param name its uuid, or its URN where the call asks for URNs
 * @param document an {@code ObjectNode}, a map, or an object that Jackson makes a JSON object of
 * @param ifMatch the version it must have, 0 for "must not exist", null for no condition
 */
public record PutEntry(CharSequence name, Object document, @Nullable Long ifMatch) {

  /**
   * An item without condition.
   *
   * @param name its uuid, or its URN
   * @param document its document
   * @return the item
   */
  public static PutEntry of(CharSequence name, Object document) {
    return new PutEntry(name, document, null);
  }

  /**
   * An item with a condition.
   *
   * @param name its uuid, or its URN
   * @param document its document
   * @param ifMatch the version it must have, 0 for "must not exist"
   * @return the item
   */
  public static PutEntry of(CharSequence name, Object document, long ifMatch) {
    return new PutEntry(name, document, ifMatch);
  }

  @Override
  public String toString() {
    return "PutEntry[" + name + "]";
  }
}
