package dev.themisdb.client.transport;

import dev.themisdb.client.transport.TransportFailure.Kind;
import java.io.IOException;
import java.net.ConnectException;
import java.net.ProtocolException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.UnresolvedAddressException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One request as java.net.http sees it: the publisher of its body, and the subscriber to that of
 * its answer.
 *
 * <p>As the publisher it is asked for its length just before each transmission. That tells two
 * things the client hides: whether the request can have been sent, and that it is about to be
 * repeated. The client does the latter behind our back when a connection closes before an answer
 * (reads, and with {@code jdk.httpclient.enableAllMethodRetry} everything); here a second
 * transmission is refused, so that only the core repeats.
 */
final class Exchange
    implements HttpRequest.BodyPublisher,
        HttpResponse.BodyHandler<byte[]>,
        HttpResponse.BodySubscriber<byte[]> {

  static final long RESPONSE_BYTES_MAX = 256L * 1024 * 1024;

  private static final byte[] NOTHING = {};

  /** A second transmission, refused. */
  private static final class RepeatedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RepeatedException() {
      super("the connection was closed before an answer", null, false, false);
    }
  }

  /** An answer beyond the limit. */
  private static final class TooLongException extends IOException {
    private static final long serialVersionUID = 1L;

    TooLongException() {
      super("a response beyond " + RESPONSE_BYTES_MAX + " bytes");
    }
  }

  private final Endpoint endpoint;
  private final byte[] body;
  private final long deadline;
  private final boolean reused;
  private final AtomicInteger transmissions = new AtomicInteger();
  private final CompletableFuture<byte[]> received = new CompletableFuture<>();
  private final List<ByteBuffer> pieces = new ArrayList<>(1);
  private long size;
  private volatile boolean started;
  private volatile Flow.@Nullable Subscription subscription;

  /**
   * An exchange.
   *
   * @param request what to send
   * @param deadline in nanoseconds of System.nanoTime
   * @param reused whether it probably goes over a connection that was used before
   */
  Exchange(Request request, long deadline, boolean reused) {
    this.endpoint = request.endpoint();
    this.body = request.body();
    this.deadline = deadline;
    this.reused = reused;
  }

  // As the publisher of the request's body

  @Override
  public long contentLength() {
    if (transmissions.incrementAndGet() > 1) {
      throw new RepeatedException();
    }
    return body.length;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
    HttpRequest.BodyPublishers.ofByteArray(body).subscribe(subscriber);
  }

  // As the handler of the answer and the subscriber to its body

  @Override
  public HttpResponse.BodySubscriber<byte[]> apply(HttpResponse.ResponseInfo info) {
    started = true;
    return this;
  }

  @Override
  public CompletionStage<byte[]> getBody() {
    return received;
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    this.subscription = subscription;
    BodyWatch.add(this);
    subscription.request(Long.MAX_VALUE);
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    for (ByteBuffer buffer : buffers) {
      size += buffer.remaining();
      pieces.add(buffer);
    }
    if (size > RESPONSE_BYTES_MAX) {
      pieces.clear();
      fail(new TooLongException());
    }
  }

  @Override
  public void onError(Throwable throwable) {
    BodyWatch.remove(this);
    received.completeExceptionally(throwable);
  }

  @Override
  public void onComplete() {
    BodyWatch.remove(this);
    byte[] all = size == 0 ? NOTHING : new byte[(int) size];
    int at = 0;
    for (ByteBuffer piece : pieces) {
      int length = piece.remaining();
      piece.get(all, at, length);
      at += length;
    }
    received.complete(all);
  }

  /** Called by the watch: ends the exchange when its time is over. */
  void expireIfLate(long now) {
    if (now - deadline >= 0) {
      fail(new HttpTimeoutException("the body did not come in time"));
    }
  }

  private void fail(IOException error) {
    BodyWatch.remove(this);
    received.completeExceptionally(error);
    Flow.Subscription active = subscription;
    if (active != null) {
      active.cancel();
    }
  }

  // What it came to

  /** Whether the connection may carry another exchange after this answer. */
  static boolean staysOpen(HttpResponse<?> response) {
    return response.headers().firstValue("connection").filter("close"::equalsIgnoreCase).isEmpty();
  }

  /** What java.net.http failed with, in the words of the core. */
  TransportFailure failure(Throwable thrown) {
    Throwable error = thrown;
    while ((error instanceof CompletionException || error instanceof ExecutionException)
        && error.getCause() != null) {
      error = error.getCause();
    }
    boolean sent = transmissions.get() > 0;
    if (!sent || error instanceof HttpConnectTimeoutException) {
      // A node that cannot be reached in time is unreachable.
      String message = "cannot connect to " + endpoint.url() + ": " + describe(error);
      return new TransportFailure(Kind.CONNECT, message, false, false, error);
    }
    if (error instanceof HttpTimeoutException) {
      return new TransportFailure(Kind.TIMEOUT, "no complete answer in time", true, false, error);
    }
    if (findRepeated(error)) {
      return new TransportFailure(
          Kind.LOST, "the connection was closed before an answer", true, stale(), null);
    }
    if (error instanceof TooLongException
        || error instanceof ProtocolException
        || !(error instanceof IOException)) {
      return new TransportFailure(Kind.PROTOCOL, describe(error), true, false, error);
    }
    return new TransportFailure(Kind.LOST, describe(error), true, stale(), error);
  }

  private boolean stale() {
    return reused && !started;
  }

  private static boolean findRepeated(@Nullable Throwable error) {
    for (Throwable each = error; each != null; each = each.getCause()) {
      if (each instanceof RepeatedException) {
        return true;
      }
    }
    return false;
  }

  private static String describe(Throwable error) {
    for (Throwable each = error; each != null; each = each.getCause()) {
      if (each instanceof UnresolvedAddressException) {
        return "the name is unknown";
      }
    }
    String message = error.getMessage();
    if (message != null && !message.isBlank()) {
      return message;
    }
    return error instanceof ConnectException
        ? "refused or unreachable"
        : error.getClass().getSimpleName();
  }
}
