package dev.themisdb.client;

import dev.themisdb.client.errors.ConfigurationException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What goes with what in the options of reads. */
final class ReadChecks {

  private ReadChecks() {}

  static void check(@Nullable Consistency consistency, @Nullable Duration maxLag) {
    if (maxLag == null) {
      return;
    }
    if (consistency != Consistency.BOUNDED) {
      throw new ConfigurationException("max_lag goes with the consistency bounded");
    }
    if (maxLag.isNegative()) {
      throw new ConfigurationException("max_lag is 0 or more");
    }
  }
}
