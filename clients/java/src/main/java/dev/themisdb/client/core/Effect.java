package dev.themisdb.client.core;

import dev.themisdb.client.transport.Request;
import dev.themisdb.client.transport.Response;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a flow needs from the world. A driver carries it out: one by blocking, one by futures.
 *
 * @param <E> what it results in
 */
@SuppressWarnings("unused") // E ties an effect to what its flow is resumed with
public sealed interface Effect<E> {

  /**
   * Carry out one exchange. Fails with TransportFailure.
   *
   * @param request what to send
   * @param timeoutNanos for the exchange
   */
  record Send(Request request, long timeoutNanos) implements Effect<Response> {}

  /**
   * Wait. Results in true.
   *
   * @param nanos how long
   */
  record Sleep(long nanos) implements Effect<Boolean> {}

  /**
   * See to it that a load of the topology has been tried; concurrent ones are one.
   *
   * @param timeoutNanos for waiting
   */
  record LoadTopology(long timeoutNanos) implements Effect<Boolean> {}

  /**
   * Ask the user's token callback. Results in nothing when there was none in time (which a callback
   * that blocks the calling thread cannot be held to).
   *
   * @param stale the token that was refused, null at first
   * @param timeoutNanos for waiting
   */
  record FetchToken(@Nullable String stale, long timeoutNanos) implements Effect<Optional<String>> {
    @Override
    public String toString() {
      return "FetchToken";
    }
  }

  /**
   * Run flows side by side.
   *
   * @param <T> what each comes to
   * @param flows what to run
   * @param parallel how many at once at most
   */
  record Gather<T>(List<Supplier<Step<T>>> flows, int parallel)
      implements Effect<List<Outcome<T>>> {}

  /**
   * What a flow that was gathered came to: a value or an error.
   *
   * @param <T> the value's type
   * @param value the value, null if it failed
   * @param error why it failed, null if it did not
   */
  record Outcome<T>(@Nullable T value, @Nullable Throwable error) {}
}
