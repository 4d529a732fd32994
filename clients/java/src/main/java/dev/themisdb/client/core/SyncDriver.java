package dev.themisdb.client.core;

import dev.themisdb.client.errors.CallInterruptedException;
import dev.themisdb.client.errors.ClientClosedException;
import dev.themisdb.client.transport.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Carries out effects by blocking: the driver behind ThemisClient. Threads share it. */
public final class SyncDriver implements Refresher.Refreshable, AutoCloseable {

  private static final long REFRESH_TIMEOUT_NANOS = 5_000_000_000L;
  private static final long WORKER_IDLE_S = 10;

  private final Core core;
  private final Transport transport;
  private final Refresher.Slot refresher;
  private final ReentrantLock loading = new ReentrantLock();
  private final ReentrantLock fetching = new ReentrantLock();
  private volatile boolean closed;
  private @Nullable ThreadPoolExecutor workers;

  /**
   * A driver.
   *
   * @param core the client's state
   * @param transport what carries requests
   */
  public SyncDriver(Core core, Transport transport) {
    this.core = core;
    this.transport = transport;
    this.refresher = new Refresher.Slot(this, core);
    core.refreshWanted = refresher::wake;
  }

  /**
   * Drives a flow to its end.
   *
   * @param <T> what it comes to
   * @param flow the flow
   * @return its value
   */
  public <T> T run(Supplier<Step<T>> flow) {
    try {
      return drive(flow);
    } catch (CallInterruptedException e) {
      Thread.currentThread().interrupt();
      throw e;
    } catch (Step.Interruption e) {
      Thread.currentThread().interrupt();
      throw new CallInterruptedException("interrupted", 0, "-", false, e.getCause());
    }
  }

  private <T> T drive(Supplier<Step<T>> flow) {
    if (closed) {
      throw new ClientClosedException();
    }
    Step<T> step = flow.get();
    while (step instanceof Step.Await<?, T> await) {
      step = advance(await);
    }
    return ((Step.Done<T>) step).value;
  }

  private <E, T> Step<T> advance(Step.Await<E, T> await) {
    E value = null;
    Throwable failure = null;
    try {
      value = carryOut(await.effect);
    } catch (Exception | Error e) {
      failure = e;
    }
    // Outside of the catch clause: what the flow throws is its own.
    return await.resume.resume(value, failure);
  }

  @SuppressWarnings("unchecked") // each effect results in what its type parameter says
  private <E> E carryOut(Effect<E> effect) throws Exception {
    if (effect instanceof Effect.Send send) {
      return (E) transport.send(send.request(), Duration.ofNanos(send.timeoutNanos()));
    }
    if (effect instanceof Effect.Sleep sleep) {
      TimeUnit.NANOSECONDS.sleep(sleep.nanos());
      return (E) (Boolean) true;
    }
    if (effect instanceof Effect.LoadTopology load) {
      return (E) loadTopology(load.timeoutNanos());
    }
    if (effect instanceof Effect.FetchToken fetch) {
      return (E) fetchToken(fetch.stale(), fetch.timeoutNanos());
    }
    return (E) gather((Effect.Gather<?>) effect);
  }

  /** One thread loads; those that come meanwhile wait for it and find it done. */
  private Boolean loadTopology(long timeoutNanos) throws InterruptedException {
    long deadline = core.clock.getAsLong() + timeoutNanos;
    TopologyView before = core.router.view();
    if (!loading.tryLock(Math.max(timeoutNanos, 0), TimeUnit.NANOSECONDS)) {
      return false;
    }
    try {
      TopologyView now = core.router.view();
      if (core.router.wantsTopology() || (now != null && now == before)) {
        drive(() -> TopologyLoad.begin(core, deadline - core.clock.getAsLong()));
      }
    } catch (Step.Interruption e) {
      throw new InterruptedException();
    } catch (RuntimeException e) {
      // The user's token callback, or their transport: the request itself will meet it and throw
      // it to them.
      core.router.loadFailed();
      HookList.LOGGER.log(System.Logger.Level.WARNING, "the topology could not be loaded", e);
    } finally {
      loading.unlock();
    }
    refresher.ensure();
    return true;
  }

  /** One thread asks; those that come meanwhile wait for it, each as long as it may. */
  private Optional<String> fetchToken(@Nullable String stale, long timeoutNanos) throws Exception {
    long deadline = core.clock.getAsLong() + timeoutNanos;
    if (!fetching.tryLock(Math.max(timeoutNanos, 0), TimeUnit.NANOSECONDS)) {
      return Optional.empty();
    }
    try {
      String current = core.token;
      if (current != null && !current.equals(stale)) {
        // Another thread has fetched a new one while we waited.
        return Optional.of(current);
      }
      Supplier<? extends CompletionStage<String>> source = core.options.tokenSource();
      if (source == null) {
        throw new IllegalStateException("there is nothing that fetches a token");
      }
      CompletableFuture<String> fetched = source.get().toCompletableFuture();
      long left = Math.max(deadline - core.clock.getAsLong(), 0);
      String token = fetched.isDone() ? fetched.get() : fetched.get(left, TimeUnit.NANOSECONDS);
      core.token = Checks.token(token);
      return Optional.of(token);
    } catch (TimeoutException e) {
      return Optional.empty();
    } catch (ExecutionException | CompletionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    } finally {
      fetching.unlock();
    }
  }

  private <T> List<Effect.Outcome<T>> gather(Effect.Gather<T> effect) throws InterruptedException {
    List<Supplier<Step<T>>> flows = effect.flows();
    List<Effect.Outcome<T>> found = new ArrayList<>(flows.size());
    if (flows.size() == 1 || effect.parallel() == 1) {
      for (Supplier<Step<T>> flow : flows) {
        found.add(outcome(flow));
      }
      return found;
    }
    List<Future<Effect.Outcome<T>>> running = new ArrayList<>(flows.size());
    ExecutorService pool = workers(effect.parallel());
    try {
      for (Supplier<Step<T>> flow : flows) {
        running.add(pool.submit(() -> outcome(flow)));
      }
      for (Future<Effect.Outcome<T>> future : running) {
        found.add(future.get());
      }
      return found;
    } catch (ExecutionException e) {
      throw new IllegalStateException("a gathered flow escaped", e.getCause());
    } finally {
      // Only after an interruption is there anything left to give up.
      running.forEach(future -> future.cancel(true));
    }
  }

  private <T> Effect.Outcome<T> outcome(Supplier<Step<T>> flow) {
    try {
      return new Effect.Outcome<>(drive(flow), null);
    } catch (RuntimeException | Error e) {
      return new Effect.Outcome<>(null, e);
    }
  }

  private synchronized ExecutorService workers(int parallel) {
    ThreadPoolExecutor pool = workers;
    if (pool == null) {
      pool =
          new ThreadPoolExecutor(
              parallel,
              parallel,
              WORKER_IDLE_S,
              TimeUnit.SECONDS,
              new LinkedBlockingQueue<>(),
              task -> {
                Thread thread = new Thread(task, "themis-batch");
                thread.setDaemon(true);
                return thread;
              });
      pool.allowCoreThreadTimeOut(true);
      workers = pool;
    }
    return pool;
  }

  @Override
  public boolean refresh() {
    try {
      drive(() -> TopologyLoad.begin(core, REFRESH_TIMEOUT_NANOS));
    } catch (ClientClosedException e) {
      return false;
    } catch (RuntimeException e) {
      // The user's token callback, or their transport: the next call will meet it.
      Refresher.warn(e);
    }
    return true;
  }

  /** Stops the background refresh and closes the transport. */
  @Override
  public void close() {
    closed = true;
    refresher.close();
    synchronized (this) {
      if (workers != null) {
        workers.shutdown();
      }
    }
    transport.close();
  }
}
