package dev.themisdb.client.core;

import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One flow on its way, and the future that its caller has. However that future ends, what is in
 * flight for it is given up, and the flow is told, so that it can report its end.
 */
final class AsyncRun<T> extends CompletableFuture<T> {

  private final AsyncDriver driver;
  private volatile @Nullable CompletableFuture<?> pending;

  AsyncRun(AsyncDriver driver) {
    this.driver = driver;
    var unused = whenComplete((value, error) -> giveUp());
  }

  void begin(Supplier<Step<T>> flow) {
    proceed(flow);
  }

  /** Goes on until the flow ends or has to wait. Never recurses for an effect that is done. */
  private void proceed(Supplier<Step<T>> next) {
    Supplier<Step<T>> current = next;
    while (current != null) {
      Step<T> step;
      try {
        step = current.get();
      } catch (RuntimeException | Error e) {
        completeExceptionally(e);
        return;
      }
      if (step instanceof Step.Done<T> done) {
        complete(done.value);
        return;
      }
      current = waitFor((Step.Await<?, T>) step);
    }
  }

  /** How to go on at once; null when that will happen by itself, later. */
  private <E> @Nullable Supplier<Step<T>> waitFor(Step.Await<E, T> await) {
    CompletableFuture<E> effect;
    try {
      effect = driver.carryOut(await.effect);
    } catch (RuntimeException | Error e) {
      return () -> await.resume.resume(null, e);
    }
    pending = effect;
    if (isDone()) {
      giveUp();
    }
    if (effect.isDone()) {
      return resumption(await, effect);
    }
    BiConsumer<E, Throwable> next = (value, error) -> proceed(resumption(await, effect));
    var unused =
        mayEndOnTimer(await.effect)
            ? effect.whenCompleteAsync(next, driver.executor)
            : effect.whenComplete(next);
    return null;
  }

  /** The timer's thread belongs to all of the JVM: nothing that takes time may run there. */
  private static boolean mayEndOnTimer(Effect<?> effect) {
    return !(effect instanceof Effect.Send) && !(effect instanceof Effect.Gather);
  }

  private static <E, T> Supplier<Step<T>> resumption(
      Step.Await<E, T> await, CompletableFuture<E> effect) {
    return () -> {
      E value = null;
      Throwable failure = null;
      try {
        value = effect.join();
      } catch (RuntimeException | Error e) {
        failure = AsyncDriver.unwrapped(e);
      }
      return await.resume.resume(value, failure);
    };
  }

  private void giveUp() {
    CompletableFuture<?> effect = pending;
    if (effect != null && !effect.isDone()) {
      effect.cancel(true);
    }
  }
}
