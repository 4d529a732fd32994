package dev.themisdb.client.transport;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * What carries requests: {@link HttpTransport}, or one of your own. Used by several threads at
 * once.
 */
public interface Transport extends AutoCloseable {

  /**
   * Carries out one exchange and waits for its end.
   *
   * @param request what to send
   * @param timeout for the whole exchange
   * @return the response, read to its end
   * @throws TransportFailure when there is none
   * @throws InterruptedException when the thread was interrupted; the exchange is given up
   */
  Response send(Request request, Duration timeout) throws TransportFailure, InterruptedException;

  /**
   * Carries out one exchange without waiting. A transport that only knows {@link #send} does so in
   * a thread of the common pool.
   *
   * @param request what to send
   * @param timeout for the whole exchange
   * @return the response, or a failure with {@link TransportFailure}; cancelling it gives the
   *     exchange up
   */
  default CompletableFuture<Response> sendAsync(Request request, Duration timeout) {
    CompletableFuture<Response> result = new CompletableFuture<>();
    result.defaultExecutor().execute(() -> BlockingSend.complete(this, request, timeout, result));
    return result;
  }

  /** Lets go of all connections. */
  @Override
  void close();
}
