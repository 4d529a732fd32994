package dev.themisdb.client.transport;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Ends exchanges whose body does not come in time: {@code HttpRequest.timeout} ends with the
 * headers.
 *
 * <p>One daemon thread for all transports looks at all bodies under way a hundred times a second,
 * and sleeps when there have been none for a while. A timer for each exchange would cost two
 * context switches, and nearly every body is there as soon as its headers are.
 */
final class BodyWatch {

  private static final long TICK_NANOS = 10_000_000L;
  private static final long IDLE_TICKS_MAX = 200;
  private static final Set<Exchange> EXCHANGES = ConcurrentHashMap.newKeySet();

  private static volatile @Nullable Thread sleeping;

  static {
    Thread watcher = new Thread(BodyWatch::work, "themis-deadlines");
    watcher.setDaemon(true);
    watcher.start();
  }

  private BodyWatch() {}

  static void add(Exchange exchange) {
    EXCHANGES.add(exchange);
    Thread thread = sleeping;
    if (thread != null) {
      LockSupport.unpark(thread);
    }
  }

  static void remove(Exchange exchange) {
    EXCHANGES.remove(exchange);
  }

  private static void work() {
    long idle = 0;
    while (true) {
      if (EXCHANGES.isEmpty() && ++idle > IDLE_TICKS_MAX) {
        sleeping = Thread.currentThread();
        // Looked at again: one may have come before `sleeping` could be seen.
        while (EXCHANGES.isEmpty()) {
          LockSupport.park(EXCHANGES);
        }
        sleeping = null;
        idle = 0;
      } else {
        LockSupport.parkNanos(EXCHANGES, TICK_NANOS);
      }
      long now = System.nanoTime();
      for (Exchange exchange : EXCHANGES) {
        idle = 0;
        exchange.expireIfLate(now);
      }
    }
  }
}
