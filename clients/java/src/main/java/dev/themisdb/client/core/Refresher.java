package dev.themisdb.client.core;

import java.lang.ref.WeakReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A daemon thread that refreshes the topology now and then, and soon after it was woken.
 *
 * <p>It holds its driver weakly: a client that is forgotten without being closed takes its thread
 * along.
 */
final class Refresher {

  /** What is refreshed. */
  interface Refreshable {
    /** Loads the topology and waits for it; false when the client is closed. */
    boolean refresh();
  }

  private static final double PAUSE_NANOS = 1e9;

  private final WeakReference<Refreshable> target;
  private final double intervalNanos;
  private final DoubleSupplier uniform;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean woken;
  private boolean stopped;

  private Refresher(Refreshable target, Core core) {
    this.target = new WeakReference<>(target);
    this.intervalNanos = core.options.refreshInterval().toNanos();
    this.uniform = core.uniform;
  }

  static Refresher start(Refreshable target, Core core) {
    Refresher refresher = new Refresher(target, core);
    Thread thread = new Thread(refresher::work, "themis-topology");
    thread.setDaemon(true);
    thread.start();
    return refresher;
  }

  /** Refresh soon. */
  void wake() {
    lock.lock();
    try {
      woken = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** End the thread. */
  void stop() {
    lock.lock();
    try {
      stopped = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void work() {
    try {
      // Drawn around the interval, so that clients which started together do not refresh together.
      while (await(intervalNanos * (0.75 + uniform.getAsDouble() / 2), true)) {
        Refreshable refreshable = target.get();
        if (refreshable == null || !refreshable.refresh()) {
          return;
        }
        refreshable = null;
        if (!await(PAUSE_NANOS * (0.5 + uniform.getAsDouble() / 2), false)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      // Nobody has a reference to this thread but the JVM that ends: so do we.
      Thread.currentThread().interrupt();
    }
  }

  /** Waits so long, or until woken; false once stopped. */
  private boolean await(double nanos, boolean wakes) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = (long) nanos;
      while (left > 0 && !stopped && !(wakes && woken)) {
        left = changed.awaitNanos(left);
      }
      if (wakes) {
        woken = false;
      }
      return !stopped;
    } finally {
      lock.unlock();
    }
  }

  /** The refresher of a driver, started when it is first needed. */
  static final class Slot {
    private final Refreshable target;
    private final Core core;
    private volatile @Nullable Refresher running;
    private boolean closed;

    Slot(Refreshable target, Core core) {
      this.target = target;
      this.core = core;
    }

    /** There is a topology to keep fresh, maybe. */
    void ensure() {
      if (running == null && core.router.view() != null) {
        startOnce();
      }
    }

    /** Refresh soon, if there is a topology to refresh. */
    void wake() {
      ensure();
      Refresher refresher = running;
      if (refresher != null) {
        refresher.wake();
      }
    }

    private synchronized void startOnce() {
      if (running == null && !closed) {
        running = Refresher.start(target, core);
      }
    }

    synchronized void close() {
      closed = true;
      Refresher refresher = running;
      if (refresher != null) {
        refresher.stop();
      }
    }
  }

  /** For messages of the thread: a failed refresh is not the end of the next one. */
  static void warn(Throwable error) {
    HookList.LOGGER.log(System.Logger.Level.WARNING, "the topology could not be refreshed", error);
  }
}
