package dev.themisdb.client.core;

import dev.themisdb.client.errors.ThemisException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The sans-IO way of this SDK: a <em>flow</em> is a {@code Supplier<Step<T>>} whose step is either
 * its value, or an effect and what to do with the effect's result.
 *
 * <p>All logic of the SDK is written once as flows; the two clients differ only in the driver that
 * carries the effects out. Exceptions thrown while a flow begins or goes on are its failure.
 *
 * @param <T> what the flow comes to
 */
public abstract sealed class Step<T> {

  private Step() {}

  /** The end of a flow. */
  static final class Done<T> extends Step<T> {
    final T value;

    private Done(T value) {
      this.value = value;
    }
  }

  /** A flow that waits for an effect. */
  static final class Await<E, T> extends Step<T> {
    final Effect<E> effect;
    final Resume<E, T> resume;

    private Await(Effect<E> effect, Resume<E, T> resume) {
      this.effect = effect;
      this.resume = resume;
    }

    /** The same effect, gone on from under a wrapper. */
    <U> Step<U> rewrapped(Function<Supplier<Step<T>>, Step<U>> wrapper) {
      return new Await<>(
          effect, (value, failure) -> wrapper.apply(() -> resume.resume(value, failure)));
    }
  }

  /** How a flow goes on: with the effect's result, or with why there is none. */
  @FunctionalInterface
  interface Resume<E, T> {
    Step<T> resume(@Nullable E value, @Nullable Throwable failure);
  }

  /** The calling thread was interrupted while an effect was carried out. */
  static final class Interruption extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Interruption(InterruptedException cause) {
      super(cause);
    }
  }

  static <T> Step<T> done(T value) {
    return new Done<>(value);
  }

  /** Waits for an effect, and handles its failure itself. */
  static <E, T> Step<T> await(Effect<E> effect, Resume<E, T> resume) {
    return new Await<>(effect, resume);
  }

  /** Waits for an effect; its failure is the flow's. */
  static <E, T> Step<T> after(Effect<E> effect, Function<E, Step<T>> next) {
    return new Await<>(effect, (value, failure) -> next.apply(orThrow(value, failure)));
  }

  /** The result of an effect, or its failure, thrown. */
  static <E> E orThrow(@Nullable E value, @Nullable Throwable failure) {
    if (failure != null || value == null) {
      throw unchecked(failure);
    }
    return value;
  }

  /** A failure that a flow does not handle, as something it can throw. */
  static RuntimeException unchecked(@Nullable Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      return exception;
    }
    if (failure instanceof InterruptedException interrupted) {
      return new Interruption(interrupted);
    }
    return new IllegalStateException("an effect had no result", failure);
  }

  final <U> Step<U> then(Function<T, Step<U>> next) {
    if (this instanceof Done<T> done) {
      return next.apply(done.value);
    }
    return ((Await<?, T>) this).rewrapped(begin -> begin.get().then(next));
  }

  final <U> Step<U> map(Function<T, U> function) {
    return then(value -> done(function.apply(value)));
  }

  /** A flow whose errors of the SDK are turned into something else. */
  static <T> Step<T> recovering(
      Supplier<Step<T>> flow, Function<ThemisException, Step<T>> recover) {
    Step<T> step;
    try {
      step = flow.get();
    } catch (ThemisException e) {
      return recover.apply(e);
    }
    return step instanceof Await<?, T> await
        ? await.rewrapped(begin -> recovering(begin, recover))
        : step;
  }

  /** A flow whose end is told, with the error it ended in or null. */
  static <T> Step<T> observed(Supplier<Step<T>> flow, Consumer<@Nullable Throwable> end) {
    Step<T> step;
    try {
      step = flow.get();
    } catch (Throwable e) {
      end.accept(e);
      throw e;
    }
    if (step instanceof Await<?, T> await) {
      return await.rewrapped(begin -> observed(begin, end));
    }
    end.accept(null);
    return step;
  }
}
