package dev.themisdb.client.core;

import dev.themisdb.client.errors.ClientClosedException;
import dev.themisdb.client.transport.Transport;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Carries out effects by futures: the driver behind AsyncThemisClient. No thread waits. */
public final class AsyncDriver implements Refresher.Refreshable, AutoCloseable {

  private static final long REFRESH_TIMEOUT_NANOS = 5_000_000_000L;

  private final Core core;
  private final Transport transport;
  private final Refresher.Slot refresher;
  private final Object lock = new Object();
  private @Nullable CompletableFuture<Boolean> loading;
  private @Nullable CompletableFuture<String> fetching;
  private volatile boolean closed;

  /** Timers end on a thread that belongs to all of the JVM: what follows goes elsewhere. */
  final Executor executor = new CompletableFuture<Void>().defaultExecutor();

  /**
   * A driver.
   *
   * @param core the client's state
   * @param transport what carries requests
   */
  public AsyncDriver(Core core, Transport transport) {
    this.core = core;
    this.transport = transport;
    this.refresher = new Refresher.Slot(this, core);
    core.refreshWanted = refresher::wake;
  }

  /**
   * Begins a flow.
   *
   * @param <T> what it comes to
   * @param flow the flow
   * @return its value or failure; cancelling it gives up what is in flight
   */
  public <T> CompletableFuture<T> run(Supplier<Step<T>> flow) {
    if (closed) {
      return CompletableFuture.failedFuture(new ClientClosedException());
    }
    AsyncRun<T> run = new AsyncRun<>(this);
    run.begin(flow);
    return run;
  }

  @SuppressWarnings("unchecked") // each effect results in what its type parameter says
  <E> CompletableFuture<E> carryOut(Effect<E> effect) {
    if (effect instanceof Effect.Send send) {
      Duration timeout = Duration.ofNanos(send.timeoutNanos());
      return (CompletableFuture<E>) transport.sendAsync(send.request(), timeout);
    }
    if (effect instanceof Effect.Sleep sleep) {
      CompletableFuture<Boolean> timer = new CompletableFuture<>();
      timer.completeOnTimeout(true, sleep.nanos(), TimeUnit.NANOSECONDS);
      return (CompletableFuture<E>) timer;
    }
    if (effect instanceof Effect.LoadTopology load) {
      return (CompletableFuture<E>) loadTopology(load.timeoutNanos());
    }
    if (effect instanceof Effect.FetchToken fetch) {
      return (CompletableFuture<E>) fetchToken(fetch.stale(), fetch.timeoutNanos());
    }
    return (CompletableFuture<E>) gather((Effect.Gather<?>) effect);
  }

  /** One load at a time; all that come meanwhile wait for it, and none that gives up stops it. */
  private CompletableFuture<Boolean> loadTopology(long timeoutNanos) {
    CompletableFuture<Boolean> load;
    synchronized (lock) {
      load = loading;
      if (load == null || load.isDone()) {
        load = new CompletableFuture<>();
        loading = load;
      } else {
        return waiting(load, timeoutNanos);
      }
    }
    CompletableFuture<Boolean> started = load;
    var unused =
        run(() -> TopologyLoad.begin(core, timeoutNanos))
            .whenComplete(
                (found, error) -> {
                  if (error != null) {
                    // The user's token callback, or their transport: the request itself will meet
                    // it.
                    core.router.loadFailed();
                    HookList.LOGGER.log(
                        System.Logger.Level.WARNING, "the topology could not be loaded", error);
                  }
                  refresher.ensure();
                  started.complete(true);
                });
    return waiting(load, timeoutNanos);
  }

  private static CompletableFuture<Boolean> waiting(
      CompletableFuture<Boolean> load, long timeoutNanos) {
    return load.isDone()
        ? load
        : load.copy().completeOnTimeout(false, Math.max(timeoutNanos, 0), TimeUnit.NANOSECONDS);
  }

  /** One asks; all that come meanwhile wait for it, and none that gives up stops it. */
  private CompletableFuture<Optional<String>> fetchToken(@Nullable String stale, long timeout) {
    CompletableFuture<String> fetch;
    boolean begins = false;
    synchronized (lock) {
      String current = core.token;
      if (current != null && !current.equals(stale)) {
        return CompletableFuture.completedFuture(Optional.of(current));
      }
      fetch = fetching;
      if (fetch == null || fetch.isDone()) {
        fetch = new CompletableFuture<>();
        fetching = fetch;
        begins = true;
      }
    }
    if (begins) {
      CompletableFuture<String> started = fetch;
      // The callback may block, or complete on a thread of the user's.
      executor.execute(() -> beginFetch(started));
    }
    return fetch
        .thenApply(Optional::of)
        .completeOnTimeout(Optional.empty(), Math.max(timeout, 0), TimeUnit.NANOSECONDS);
  }

  private void beginFetch(CompletableFuture<String> result) {
    try {
      Supplier<? extends CompletionStage<String>> source = core.options.tokenSource();
      if (source == null) {
        throw new IllegalStateException("there is nothing that fetches a token");
      }
      source
          .get()
          .whenComplete(
              (token, error) -> {
                try {
                  core.token = Checks.token(Step.orThrow(token, unwrapped(error)));
                  result.complete(token);
                } catch (RuntimeException e) {
                  result.completeExceptionally(e);
                }
              });
    } catch (RuntimeException e) {
      result.completeExceptionally(e);
    }
  }

  private <T> CompletableFuture<List<Effect.Outcome<T>>> gather(Effect.Gather<T> effect) {
    AsyncGather<T> gather = new AsyncGather<>(this, effect);
    gather.begin();
    return gather;
  }

  /** What futures wrap failures into, taken off. */
  static @Nullable Throwable unwrapped(@Nullable Throwable error) {
    Throwable found = error;
    while (found instanceof CompletionException && found.getCause() != null) {
      found = found.getCause();
    }
    return found;
  }

  @Override
  public boolean refresh() {
    try {
      run(() -> TopologyLoad.begin(core, REFRESH_TIMEOUT_NANOS)).join();
    } catch (RuntimeException e) {
      if (unwrapped(e) instanceof ClientClosedException) {
        return false;
      }
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
    transport.close();
  }
}
