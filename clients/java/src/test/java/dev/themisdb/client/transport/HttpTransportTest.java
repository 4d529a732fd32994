package dev.themisdb.client.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.transport.FaultyServer.Fault;
import dev.themisdb.client.transport.TransportFailure.Kind;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** java.net.http as the SDK uses it, against a server that fails on command. */
@Timeout(30)
class HttpTransportTest {

  private static final Duration LONG = Duration.ofSeconds(10);

  private FaultyServer server;
  private HttpTransport transport;

  @BeforeEach
  void start() throws IOException {
    server = new FaultyServer();
    transport = new HttpTransport(null, 4, Duration.ofSeconds(2));
  }

  @AfterEach
  void stop() throws IOException {
    transport.close();
    server.close();
  }

  private Request request(String method) {
    byte[] body = method.equals("PUT") ? "{}".getBytes(StandardCharsets.UTF_8) : new byte[0];
    String target = "/entity/urn%3Athemis%3Ax?a=%20b";
    return new Request(method, Endpoint.parse(server.url()), target, Map.of("X-A", "1"), body);
  }

  private TransportFailure failure(String method, Duration timeout) {
    return assertThrows(TransportFailure.class, () -> transport.send(request(method), timeout));
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + 5_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "it did not happen in time");
      Thread.onSpinWait();
    }
  }

  @Test
  void pathsGoOutAsTheyAreAndHeadersComeBack() throws Exception {
    Response response = transport.send(request("GET"), LONG);
    assertEquals(200, response.status());
    assertEquals("{}", new String(response.body(), StandardCharsets.UTF_8));
    assertEquals("a, b", response.header("x-two"));
    assertTrue(
        server.heads.get(0).startsWith("GET /entity/urn%3Athemis%3Ax?a=%20b HTTP/1.1\r\n"),
        server.heads.get(0));
    assertTrue(server.heads.get(0).contains("X-A: 1\r\n"));
  }

  @Test
  void connectionsAreReused() throws Exception {
    for (int i = 0; i < 20; i++) {
      transport.send(request("GET"), LONG);
      transport.sendAsync(request("PUT"), LONG).get();
    }
    assertEquals(1, server.connections.get());
  }

  @ParameterizedTest
  @CsvSource({"GET,CLOSE", "GET,RESET", "HEAD,CLOSE", "PUT,CLOSE", "PUT,RESET", "DELETE,CLOSE"})
  void aRequestIsTransmittedOnceAndTheFailureSaysSo(String method, Fault fault) throws Exception {
    server.faults.add(fault);
    TransportFailure fresh = failure(method, LONG);
    assertEquals(Kind.LOST, fresh.kind());
    assertTrue(fresh.sent());
    assertFalse(fresh.reused(), "the connection was new");
    assertEquals(1, server.heads.size(), "java.net.http repeats reads by itself");
    transport.send(request("GET"), LONG);
    server.faults.add(fault);
    TransportFailure stale = failure(method, LONG);
    assertTrue(stale.reused(), "the connection was an old one");
    assertEquals(3, server.heads.size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET", "PUT"})
  void aTruncatedBodyIsALostAnswer(String method) throws Exception {
    transport.send(request("GET"), LONG);
    server.faults.add(Fault.TRUNCATE);
    TransportFailure failure = failure(method, LONG);
    assertEquals(Kind.LOST, failure.kind());
    assertFalse(failure.reused(), "an answer had begun");
  }

  @Test
  void whatIsNotHttpIsAProtocolFailure() {
    server.faults.add(Fault.GARBAGE);
    TransportFailure failure = failure("GET", LONG);
    assertEquals(Kind.PROTOCOL, failure.kind());
    assertTrue(failure.sent());
  }

  @ParameterizedTest
  @ValueSource(strings = {"STALL_BEFORE_HEADERS", "STALL_IN_BODY"})
  void theDeadlineHoldsAndTheConnectionIsClosed(Fault fault) {
    server.faults.add(fault);
    long began = System.nanoTime();
    TransportFailure failure = failure("PUT", Duration.ofMillis(300));
    double seconds = (System.nanoTime() - began) / 1e9;
    assertEquals(Kind.TIMEOUT, failure.kind());
    assertTrue(failure.sent());
    assertTrue(seconds > 0.25 && seconds < 1.5, "took " + seconds);
    await(() -> server.closedByClient.get() == 1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"STALL_BEFORE_HEADERS", "STALL_IN_BODY"})
  void theDeadlineHoldsWithoutWaiting(Fault fault) {
    server.faults.add(fault);
    CompletableFuture<Response> sent = transport.sendAsync(request("PUT"), Duration.ofMillis(300));
    var error = assertThrows(ExecutionException.class, () -> sent.get(3, TimeUnit.SECONDS));
    assertEquals(Kind.TIMEOUT, ((TransportFailure) error.getCause()).kind());
    await(() -> server.closedByClient.get() == 1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"STALL_BEFORE_HEADERS", "STALL_IN_BODY"})
  void cancellingGivesTheExchangeUp(Fault fault) throws Exception {
    server.faults.add(fault);
    CompletableFuture<Response> sent = transport.sendAsync(request("GET"), LONG);
    await(() -> server.heads.size() == 1);
    sent.cancel(true);
    await(() -> server.closedByClient.get() == 1);
    assertEquals(200, transport.send(request("GET"), LONG).status());
  }

  @Test
  void anInterruptionGivesTheExchangeUp() throws Exception {
    server.faults.add(Fault.STALL_BEFORE_HEADERS);
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                transport.send(request("GET"), LONG);
              } catch (InterruptedException | TransportFailure e) {
                thrown.set(e);
              }
            });
    thread.start();
    await(() -> server.heads.size() == 1);
    thread.interrupt();
    thread.join();
    assertInstanceOf(InterruptedException.class, thrown.get());
    await(() -> server.closedByClient.get() == 1);
  }

  @Test
  void nobodyListens() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    Request request =
        new Request("PUT", Endpoint.parse("http://127.0.0.1:" + port), "/", Map.of(), new byte[1]);
    TransportFailure failure =
        assertThrows(TransportFailure.class, () -> transport.send(request, LONG));
    assertEquals(Kind.CONNECT, failure.kind());
    assertFalse(failure.sent());
    Request unknown =
        new Request(
            "GET", Endpoint.parse("http://no.such.host.invalid:1"), "/", Map.of(), new byte[0]);
    TransportFailure nameless =
        assertThrows(TransportFailure.class, () -> transport.send(unknown, LONG));
    assertEquals(Kind.CONNECT, nameless.kind());
    assertTrue(nameless.getMessage().contains("name is unknown"), nameless.getMessage());
  }

  @Test
  void aBusyPoolMakesRequestsWaitTheirTurn() throws Exception {
    HttpTransport narrow = new HttpTransport(null, 2, LONG);
    List<CompletableFuture<Response>> sent = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      sent.add(narrow.sendAsync(request("GET"), LONG));
    }
    for (CompletableFuture<Response> each : sent) {
      assertEquals(200, each.get().status());
    }
    assertTrue(server.connections.get() <= 2);
    narrow.close();
  }

  @Test
  void whoFindsNoConnectionInTimeWasNotSent() throws Exception {
    HttpTransport narrow = new HttpTransport(null, 1, LONG);
    server.faults.add(Fault.STALL_BEFORE_HEADERS);
    CompletableFuture<Response> holding = narrow.sendAsync(request("GET"), LONG);
    await(() -> server.heads.size() == 1);
    for (CompletableFuture<Response> each :
        List.of(
            narrow.sendAsync(request("GET"), Duration.ofMillis(50)),
            CompletableFuture.<Response>failedFuture(
                assertThrows(
                    TransportFailure.class,
                    () -> narrow.send(request("GET"), Duration.ofMillis(50)))))) {
      var error = assertThrows(ExecutionException.class, each::get);
      TransportFailure failure = (TransportFailure) error.getCause();
      assertEquals(Kind.TIMEOUT, failure.kind());
      assertFalse(failure.sent());
    }
    holding.cancel(true);
    assertEquals(200, narrow.send(request("GET"), LONG).status());
    narrow.close();
  }

  @Test
  void redirectsAreAnswers() throws Exception {
    server.faults.add(Fault.REDIRECT);
    assertEquals(302, transport.send(request("GET"), LONG).status());
    assertEquals(1, server.heads.size());
  }

  @Test
  void aHeaderThatMayNotBeSentIsRefusedWithoutQuotingIt() {
    Request request =
        new Request(
            "GET",
            Endpoint.parse(server.url()),
            "/",
            Map.of("X-A", "s3cr3t\r\nX-B: 1"),
            new byte[0]);
    var error = assertThrows(ConfigurationException.class, () -> transport.send(request, LONG));
    assertFalse(error.toString().contains("s3cr3t"));
  }

  @Test
  void optionsThatCannotWorkAreRefused() {
    assertThrows(ConfigurationException.class, () -> new HttpTransport(null, 0, LONG));
    assertThrows(ConfigurationException.class, () -> new HttpTransport(null, 1, Duration.ZERO));
    TlsOptions missing = TlsOptions.trusting(Path.of("no", "such", "file.pem"));
    assertThrows(ConfigurationException.class, () -> new HttpTransport(missing, 1, LONG));
  }

  @ParameterizedTest
  @CsvSource({
    "http://h, http://h:80",
    "HTTPS://H/base/, https://h:443/base",
    "http://[::1]:8080, http://[::1]:8080"
  })
  void endpointsAreNormalised(String text, String url) {
    assertEquals(url, Endpoint.parse(text).url());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "h:1", "ftp://h", "http://", "http://h?x", "http://h#x", "http://u:s3cr3t@h"})
  void whatIsNoEndpointIsRefused(String text) {
    var error = assertThrows(IllegalArgumentException.class, () -> Endpoint.parse(text));
    assertFalse(String.valueOf(error.getMessage()).contains("s3cr3t"));
  }
}
