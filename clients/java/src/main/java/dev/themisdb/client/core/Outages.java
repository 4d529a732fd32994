package dev.themisdb.client.core;

import dev.themisdb.client.transport.Endpoint;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;

/**
 * Which endpoints are out. Threads share it.
 *
 * <p>An endpoint that failed is out for a while that doubles with each failure; then one request
 * tries it again, and a success brings it back.
 */
final class Outages {

  private static final long OUT_FIRST_NANOS = 500_000_000L;
  private static final long OUT_LONGEST_NANOS = 30_000_000_000L;

  private record Outage(long until, long pause) {}

  private final LongSupplier clock;
  private final DoubleSupplier random;
  private final ConcurrentHashMap<Endpoint, Outage> out = new ConcurrentHashMap<>();

  /**
   * Nobody is out.
   *
   * @param clock monotonic nanoseconds
   * @param random uniform in [0, 1)
   */
  Outages(LongSupplier clock, DoubleSupplier random) {
    this.clock = clock;
    this.random = random;
  }

  /** Whether nobody is out, nor on probation. */
  boolean isEmpty() {
    return out.isEmpty();
  }

  /** An exchange with it brought no answer. */
  synchronized void failed(Endpoint endpoint) {
    Outage outage = out.get(endpoint);
    long pause = outage == null ? OUT_FIRST_NANOS : Math.min(outage.pause * 2, OUT_LONGEST_NANOS);
    // Half of it is drawn, so that clients do not come back in step.
    long until = clock.getAsLong() + (long) (pause * (0.5 + random.getAsDouble() / 2));
    out.put(endpoint, new Outage(until, pause));
  }

  /** An exchange with it brought an answer. */
  void answered(Endpoint endpoint) {
    if (!out.isEmpty()) {
      out.remove(endpoint);
    }
  }

  /** Whether it is passed over at this moment. */
  boolean isOut(Endpoint endpoint) {
    Outage outage = out.get(endpoint);
    return outage != null && outage.until - clock.getAsLong() > 0;
  }

  /** Whether to send to it now; the first to ask after an outage's end becomes its one probe. */
  boolean isUsable(Endpoint endpoint) {
    if (out.get(endpoint) == null) {
      return true;
    }
    synchronized (this) {
      Outage outage = out.get(endpoint);
      if (outage == null) {
        return true;
      }
      long now = clock.getAsLong();
      if (outage.until - now > 0) {
        return false;
      }
      out.put(endpoint, new Outage(now + outage.pause, outage.pause));
      return true;
    }
  }

  /** How long it is still out; the least number there is if it is not. */
  long nanosLeft(Endpoint endpoint, long now) {
    Outage outage = out.get(endpoint);
    return outage == null ? Long.MIN_VALUE : outage.until - now;
  }
}
