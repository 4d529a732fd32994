package dev.themisdb.client.core;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Flows run side by side, at most so many at once. Cancelling it cancels those that run. */
@SuppressWarnings("CollectionUndefinedEquality") // futures are looked for by identity
final class AsyncGather<T> extends CompletableFuture<List<Effect.Outcome<T>>> {

  private final AsyncDriver driver;
  private final List<Supplier<Step<T>>> flows;
  private final int parallel;
  private final AtomicReferenceArray<Effect.@Nullable Outcome<T>> outcomes;
  private final AtomicInteger begun = new AtomicInteger();
  private final AtomicInteger ended = new AtomicInteger();
  private final Set<CompletableFuture<T>> running = ConcurrentHashMap.newKeySet();

  AsyncGather(AsyncDriver driver, Effect.Gather<T> effect) {
    this.driver = driver;
    this.flows = effect.flows();
    this.parallel = effect.parallel();
    this.outcomes = new AtomicReferenceArray<>(flows.size());
    var unused = whenComplete((value, error) -> running.forEach(run -> run.cancel(true)));
  }

  void begin() {
    for (int i = 0; i < Math.min(parallel, flows.size()); i++) {
      work();
    }
  }

  /** Runs one flow after another; flows that end at once do not deepen the stack. */
  private void work() {
    int index = begun.getAndIncrement();
    while (index < flows.size() && !isDone()) {
      CompletableFuture<T> run = driver.run(flows.get(index));
      if (!run.isDone()) {
        running.add(run);
        if (isDone()) {
          run.cancel(true);
        }
        int place = index;
        var unused =
            run.whenComplete(
                (value, error) -> {
                  running.remove(run);
                  note(place, value, error);
                  work();
                });
        return;
      }
      noteDone(index, run);
      index = begun.getAndIncrement();
    }
  }

  private void noteDone(int place, CompletableFuture<T> run) {
    var unused = run.whenComplete((value, error) -> note(place, value, error));
  }

  private void note(int place, @Nullable T value, @Nullable Throwable error) {
    outcomes.set(place, new Effect.Outcome<>(value, AsyncDriver.unwrapped(error)));
    if (ended.incrementAndGet() == flows.size()) {
      List<Effect.Outcome<T>> all = new ArrayList<>(flows.size());
      for (int i = 0; i < flows.size(); i++) {
        Effect.Outcome<T> outcome = outcomes.get(i);
        if (outcome != null) {
          all.add(outcome);
        }
      }
      complete(all);
    }
  }
}
