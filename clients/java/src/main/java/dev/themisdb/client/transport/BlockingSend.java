package dev.themisdb.client.transport;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Carries a blocking exchange out for somebody who waits for a future. */
final class BlockingSend {

  private BlockingSend() {}

  @SuppressWarnings("Interruption") // a thread of the pool belongs to the pool: the flag goes on
  static void complete(
      Transport transport, Request request, Duration timeout, CompletableFuture<Response> result) {
    try {
      result.complete(transport.send(request, timeout));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      result.completeExceptionally(e);
    } catch (TransportFailure | RuntimeException | Error e) {
      result.completeExceptionally(e);
    }
  }
}
