package dev.themisdb.client;

import dev.themisdb.client.errors.ConfigurationException;
import java.util.Locale;

/** How fresh a read must be. */
public enum Consistency {
  /** Sees every write that was acknowledged before; the default. */
  STRONG,
  /** At most {@code maxLag} behind; any replica that is may answer. */
  BOUNDED,
  /** Whatever the replica that answers has. */
  EVENTUAL;

  /**
   * Reads the word that the API has for it.
   *
   * @param word {@code strong}, {@code bounded} or {@code eventual}
   * @return the level
   * @throws ConfigurationException when it is none of them
   */
  public static Consistency of(String word) {
    for (Consistency each : values()) {
      if (each.wire().equals(word)) {
        return each;
      }
    }
    throw new ConfigurationException(
        "consistency is strong, bounded or eventual, not '" + word + "'");
  }

  /**
   * The word that the API has for it.
   *
   * @return the name in lower case
   */
  public String wire() {
    return name().toLowerCase(Locale.ROOT);
  }
}
