package dev.themisdb.client;

import dev.themisdb.client.core.Checks;
import dev.themisdb.client.errors.ConfigurationException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What goes with what in the options of reads. That a bound goes with bounded reads is seen only
 * together with the client's options, where a call does not say its level.
 */
final class ReadChecks {

  private ReadChecks() {}

  static void check(@Nullable Consistency consistency, @Nullable Duration maxLag) {
    if (maxLag == null) {
      return;
    }
    if (consistency != null && consistency != Consistency.BOUNDED) {
      throw new ConfigurationException("max_lag goes with the consistency bounded");
    }
    Checks.lag(maxLag);
  }
}
