package dev.themisdb.client.transport;

import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.transport.TransportFailure.Kind;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The default transport: java.net.http, kept to HTTP/1.1 and to one transmission a request.
 *
 * <p>Connections are pooled by java.net.http; at most {@code poolSize} a node are in use at once,
 * and further requests wait for one, within their timeout. Redirects are not followed, proxies and
 * cookies not used.
 *
 * <p>Closing it refuses further requests. Idle connections go with the garbage collector on Java 17
 * to 20, which have no other way, and at once on Java 21.
 */
public final class HttpTransport implements Transport {

  private static final Duration TIMEOUT_MIN = Duration.ofMillis(1);

  private final @Nullable SSLContext sslContext;
  private final int poolSize;
  private final Duration connectTimeout;
  private final ConcurrentHashMap<Endpoint, Slots> slots = new ConcurrentHashMap<>();
  private @Nullable HttpClient plainClient;
  private @Nullable HttpClient tlsClient;
  private volatile boolean closed;

  /**
   * Makes a transport.
   *
   * @param tls how to verify https endpoints; the system's authorities when null
   * @param poolSize connections a node at most
   * @param connectTimeout how long one attempt to connect may take
   * @throws ConfigurationException when this cannot work
   */
  public HttpTransport(@Nullable TlsOptions tls, int poolSize, Duration connectTimeout) {
    if (poolSize < 1) {
      throw new ConfigurationException("pool_size is 1 or more");
    }
    if (connectTimeout.isNegative() || connectTimeout.isZero()) {
      throw new ConfigurationException("connect_timeout is positive");
    }
    this.sslContext = tls == null ? null : PemFiles.context(tls);
    this.poolSize = poolSize;
    this.connectTimeout = connectTimeout;
  }

  @Override
  public Response send(Request request, Duration timeout)
      throws TransportFailure, InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    Slots place = slots(request.endpoint());
    if (!place.acquire(timeout.toNanos())) {
      throw busy(request);
    }
    Exchange exchange = new Exchange(request, deadline, place.takeIdle());
    try {
      HttpResponse<byte[]> response =
          client(request.endpoint()).send(prepared(request, exchange, deadline), exchange);
      return taken(place, response);
    } catch (IOException | RuntimeException e) {
      throw failed(place, exchange, e);
    } finally {
      place.release();
    }
  }

  @Override
  public CompletableFuture<Response> sendAsync(Request request, Duration timeout) {
    long deadline = System.nanoTime() + timeout.toNanos();
    CompletableFuture<Response> result = new CompletableFuture<>();
    Slots place;
    try {
      place = slots(request.endpoint());
    } catch (TransportFailure e) {
      return CompletableFuture.failedFuture(e);
    }
    CompletableFuture<Boolean> turn = place.acquire();
    if (turn == null) {
      begin(request, deadline, place, result);
      return result;
    }
    var unused = result.whenComplete((response, error) -> place.abandonIfWaiting(turn));
    var unused2 =
        turn.orTimeout(Math.max(timeout.toNanos(), 0), TimeUnit.NANOSECONDS)
            .whenComplete(
                (granted, error) -> {
                  if (error == null) {
                    begin(request, deadline, place, result);
                  } else if (error instanceof TimeoutException) {
                    place.forget(turn);
                    // Not here: this thread is the timer of all of the JVM.
                    result
                        .defaultExecutor()
                        .execute(() -> result.completeExceptionally(busy(request)));
                  }
                });
    return result;
  }

  /** The slot is ours: sends, and gives it back at the end. */
  private void begin(
      Request request, long deadline, Slots place, CompletableFuture<Response> result) {
    if (result.isDone()) {
      place.release();
      return;
    }
    Exchange exchange = new Exchange(request, deadline, place.takeIdle());
    CompletableFuture<HttpResponse<byte[]>> sent;
    try {
      sent = client(request.endpoint()).sendAsync(prepared(request, exchange, deadline), exchange);
    } catch (RuntimeException e) {
      place.release();
      result.completeExceptionally(e);
      return;
    }
    var unused =
        sent.whenComplete(
            (response, error) -> {
              TransportFailure failure = error == null ? null : failed(place, exchange, error);
              place.release();
              if (failure == null) {
                result.complete(taken(place, response));
              } else {
                result.completeExceptionally(failure);
              }
            });
    var unused2 =
        result.whenComplete(
            (response, error) -> {
              if (!sent.isDone()) {
                sent.cancel(true);
              }
            });
  }

  private static Response taken(Slots place, HttpResponse<byte[]> response) {
    if (Exchange.staysOpen(response)) {
      place.addIdle();
    }
    return Response.received(response.statusCode(), response.headers().map(), response.body());
  }

  private static TransportFailure failed(Slots place, Exchange exchange, Throwable error) {
    if (error instanceof ConfigurationException e) {
      throw e;
    }
    TransportFailure failure = exchange.failure(error);
    if (failure.reused()) {
      place.forgetIdle();
    }
    return failure;
  }

  private static TransportFailure busy(Request request) {
    String message = "no free connection to " + request.endpoint().url() + " in time";
    return new TransportFailure(Kind.TIMEOUT, message, false);
  }

  private static HttpRequest prepared(Request request, Exchange exchange, long deadline) {
    Duration left = Duration.ofNanos(deadline - System.nanoTime());
    try {
      HttpRequest.Builder builder =
          HttpRequest.newBuilder(URI.create(request.url()))
              .method(request.method(), exchange)
              .timeout(left.compareTo(TIMEOUT_MIN) < 0 ? TIMEOUT_MIN : left);
      request.headers().forEach(builder::setHeader);
      return builder.build();
    } catch (IllegalArgumentException e) {
      // The message of the JDK quotes the value, which may be a secret.
      throw new ConfigurationException("a request header is not one that may be sent");
    }
  }

  private Slots slots(Endpoint endpoint) throws TransportFailure {
    if (closed) {
      throw new TransportFailure(Kind.CONNECT, "the transport is closed", false);
    }
    Slots known = slots.get(endpoint);
    return known != null ? known : slots.computeIfAbsent(endpoint, each -> new Slots(poolSize));
  }

  private synchronized HttpClient client(Endpoint endpoint) {
    HttpClient client = endpoint.secure() ? tlsClient : plainClient;
    if (client == null) {
      HttpClient.Builder builder =
          HttpClient.newBuilder()
              .version(HttpClient.Version.HTTP_1_1)
              .followRedirects(HttpClient.Redirect.NEVER)
              .proxy(HttpClient.Builder.NO_PROXY)
              .connectTimeout(connectTimeout);
      if (endpoint.secure()) {
        if (sslContext != null) {
          builder.sslContext(sslContext);
        }
        tlsClient = client = builder.build();
      } else {
        // Nothing that we do with a plain answer takes time, so the thread that reads it may do it:
        // handing it over to another one costs more than all the rest. (TLS may take time.)
        Executor here = Runnable::run;
        plainClient = client = builder.executor(here).build();
      }
    }
    return client;
  }

  @Override
  public void close() {
    closed = true;
    HttpClient plain;
    HttpClient tls;
    synchronized (this) {
      plain = plainClient;
      tls = tlsClient;
      plainClient = null;
      tlsClient = null;
    }
    ClientShutdown.shutdown(plain);
    ClientShutdown.shutdown(tls);
  }

  @Override
  public String toString() {
    return "HttpTransport[" + poolSize + " connections a node]";
  }
}
