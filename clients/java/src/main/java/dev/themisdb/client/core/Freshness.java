package dev.themisdb.client.core;

import dev.themisdb.client.Consistency;
import dev.themisdb.client.errors.ConfigurationException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How fresh a read must be. Throws ConfigurationException for what does not go together.
 *
 * @param consistency the level, null where nobody said one
 * @param maxLag how far behind the answer may be, null for no bound; goes with bounded reads only
 */
public record Freshness(@Nullable Consistency consistency, @Nullable Duration maxLag) {

  /** Nobody said anything: reads are strong. */
  public static final Freshness UNSAID = new Freshness(null, null);

  /**
   * Checks the parts.
   *
   * @param consistency the level, null where nobody said one
   * @param maxLag how far behind the answer may be, null for no bound
   */
  public Freshness {
    if (maxLag != null) {
      if (consistency != Consistency.BOUNDED) {
        throw new ConfigurationException("max_lag goes with the consistency bounded");
      }
      Checks.lag(maxLag);
    }
  }

  /** What a call asks for, where this is what the client says. */
  Freshness over(@Nullable Consistency ofCall, @Nullable Duration lagOfCall) {
    if (ofCall == null && lagOfCall == null) {
      return this;
    }
    Consistency wanted = ofCall == null ? consistency : ofCall;
    boolean inherits = lagOfCall == null && wanted == Consistency.BOUNDED;
    return new Freshness(wanted, inherits ? maxLag : lagOfCall);
  }

  /** Whether a replica that lags may answer; if it may not lag at all, only the leader can. */
  boolean anyReplica() {
    return consistency == Consistency.EVENTUAL
        || (consistency == Consistency.BOUNDED && (maxLag == null || maxLag.toMillis() > 0));
  }

  /** As query parameters. */
  List<String> parameters() {
    List<String> found = new ArrayList<>(2);
    if (consistency != null) {
      found.add("consistency=" + consistency.wire());
    }
    if (maxLag != null) {
      found.add("max_lag_ms=" + maxLag.toMillis());
    }
    return found;
  }

  /** A target that ends in these parameters, as that of a strong read. */
  String strengthened(String target) {
    String tail = String.join("&", parameters());
    return target.substring(0, target.length() - tail.length()) + "consistency=strong";
  }
}
