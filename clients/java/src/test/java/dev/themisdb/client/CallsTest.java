package dev.themisdb.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.themisdb.client.errors.BatchException;
import dev.themisdb.client.errors.CallInterruptedException;
import dev.themisdb.client.errors.ClientClosedException;
import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.errors.InvalidUrnException;
import dev.themisdb.client.errors.TransportException;
import dev.themisdb.client.errors.UnauthorizedException;
import dev.themisdb.client.errors.UnavailableException;
import dev.themisdb.client.hooks.Hooks;
import dev.themisdb.client.hooks.RequestEnd;
import dev.themisdb.client.hooks.RequestRetry;
import dev.themisdb.client.hooks.RequestStart;
import dev.themisdb.client.testing.FakeTransport;
import dev.themisdb.client.testing.Responses;
import dev.themisdb.client.transport.Request;
import dev.themisdb.client.transport.Response;
import dev.themisdb.client.transport.Transport;
import dev.themisdb.client.transport.TransportFailure;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What one call comes to, in both clients, without a server. */
@Timeout(30)
class CallsTest {

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String ID = UUID.randomUUID().toString();
  private static final RetryPolicy QUICK =
      RetryPolicy.DEFAULT.withBackoff(Duration.ofMillis(1), Duration.ofMillis(2));
  private static final Response WRITTEN = Responses.json(201, Map.of("version", 7));

  /** Puts with either client, so that one test is for both. */
  private static WriteResult put(String mode, FakeTransport transport, WriteOptions options) {
    return put(mode, transport, options, ThemisClient.builder(), AsyncThemisClient.builder());
  }

  private static WriteResult put(
      String mode,
      Transport transport,
      WriteOptions options,
      ClientBuilder<ThemisClient> sync,
      ClientBuilder<AsyncThemisClient> async) {
    if (mode.equals("sync")) {
      try (ThemisClient client =
          sync.endpoints("http://fake").retry(QUICK).transport(transport).build()) {
        return client.put("document", "things", ID, Map.of("a", 1), options);
      }
    }
    try (AsyncThemisClient client =
        async.endpoints("http://fake").retry(QUICK).transport(transport).build()) {
      return client.put("document", "things", ID, Map.of("a", 1), options).join();
    } catch (CompletionException e) {
      throw (RuntimeException) e.getCause();
    }
  }

  private static FakeTransport playing(Object... steps) {
    Iterator<Object> script = List.of(steps).iterator();
    return new FakeTransport(
        request -> {
          Object next = script.hasNext() ? script.next() : WRITTEN;
          if (next instanceof TransportFailure failure) {
            throw failure;
          }
          return (Response) next;
        });
  }

  private static TransportFailure lost(boolean reused) {
    return new TransportFailure(TransportFailure.Kind.LOST, "lost", true, reused, null);
  }

  private static String key(Request request) {
    return request.headers().get("Idempotency-Key");
  }

  @ParameterizedTest
  @ValueSource(strings = {"sync", "async"})
  void aLostWriteIsRepeatedUnderOneKey(String mode) {
    FakeTransport transport = playing(lost(false), Responses.problem(503, "no_leader", true));
    WriteResult result = put(mode, transport, WriteOptions.DEFAULT);
    assertEquals(7, result.version());
    assertEquals(3, transport.requests().size());
    assertEquals(1, transport.requests().stream().map(CallsTest::key).distinct().count());
    assertEquals(
        1,
        transport.requests().stream().map(r -> r.headers().get("x-request-id")).distinct().count());
  }

  @ParameterizedTest
  @ValueSource(strings = {"sync", "async"})
  void aWriteWithoutAKeyIsNeverRepeated(String mode) {
    FakeTransport transport = playing(lost(false));
    WriteOptions options = WriteOptions.builder().withoutIdempotencyKey().build();
    TransportException error =
        assertThrows(TransportException.class, () -> put(mode, transport, options));
    assertTrue(error.outcomeUnknown());
    assertEquals(1, error.attempts());
    assertEquals(1, transport.requests().size());
    assertTrue(error.getMessage().contains("the outcome is unknown"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"sync", "async"})
  void aConnectionClosedWhileIdleIsNoRetry(String mode) {
    FakeTransport transport = playing(lost(true));
    ClientBuilder<ThemisClient> none = ThemisClient.builder().retryBudget(new RetryBudget(0, 0));
    ClientBuilder<AsyncThemisClient> noneAsync =
        AsyncThemisClient.builder().retryBudget(new RetryBudget(0, 0));
    assertEquals(7, put(mode, transport, WriteOptions.DEFAULT, none, noneAsync).version());
  }

  @ParameterizedTest
  @ValueSource(strings = {"sync", "async"})
  void retriesEndAtTheLimit(String mode) {
    Response busy = Responses.problem(503, "no_leader", true);
    FakeTransport transport = playing(busy, busy, busy, busy, busy);
    UnavailableException error =
        assertThrows(UnavailableException.class, () -> put(mode, transport, WriteOptions.DEFAULT));
    assertEquals(4, error.attempts());
    assertTrue(error.retryable());
    assertFalse(error.outcomeUnknown());
    assertEquals(transport.requests().get(0).headers().get("X-Request-Id"), error.requestId());
  }

  @ParameterizedTest
  @ValueSource(strings = {"sync", "async"})
  void aTokenIsFetchedOnceAndOnceMoreOn401(String mode) {
    AtomicInteger asked = new AtomicInteger();
    FakeTransport transport =
        new FakeTransport(
            request ->
                request.headers().get("Authorization").equals("Bearer s3cr3t-2")
                    ? WRITTEN
                    : Responses.problem(401, "unauthorized", false));
    ClientBuilder<ThemisClient> sync =
        ThemisClient.builder().token(() -> "s3cr3t-" + asked.incrementAndGet());
    ClientBuilder<AsyncThemisClient> async =
        AsyncThemisClient.builder()
            .tokenAsync(
                () -> CompletableFuture.completedFuture("s3cr3t-" + asked.incrementAndGet()));
    put(mode, transport, WriteOptions.DEFAULT, sync, async);
    assertEquals(2, asked.get());
    assertFalse(transport.requests().toString().contains("s3cr3t"));
    UnauthorizedException error =
        assertThrows(
            UnauthorizedException.class,
            () ->
                put(
                    mode,
                    transport,
                    WriteOptions.DEFAULT,
                    ThemisClient.builder().token("s3cr3t-9"),
                    AsyncThemisClient.builder().token("s3cr3t-9")));
    assertFalse(error.toString().contains("s3cr3t"));
  }

  private static final class Recorder implements Hooks {
    final List<Object> facts = new ArrayList<>();

    @Override
    public void onRequestStart(RequestStart start) {
      start.headers().put("traceparent", "t");
      start.headers().put("user-agent", "not mine to say");
      facts.add(start);
    }

    @Override
    public void onRequestRetry(RequestRetry retry) {
      facts.add(retry);
    }

    @Override
    public void onRequestEnd(RequestEnd end) {
      facts.add(end);
    }
  }

  private static final class Failing implements Hooks {
    @Override
    public void onRequestStart(RequestStart start) {
      throw new IllegalStateException("a hook with a mistake");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"sync", "async"})
  void hooksAreToldAndTheirMistakesKeptFromTheCall(String mode) {
    Recorder recorder = new Recorder();
    FakeTransport transport = playing(Responses.problem(429, "too_many_requests", true));
    put(
        mode,
        transport,
        WriteOptions.DEFAULT,
        ThemisClient.builder().hooks(new Failing(), recorder).token("s3cr3t"),
        AsyncThemisClient.builder().hooks(new Failing(), recorder).token("s3cr3t"));
    assertEquals(3, recorder.facts.size());
    RequestStart start = (RequestStart) recorder.facts.get(0);
    RequestRetry retry = (RequestRetry) recorder.facts.get(1);
    RequestEnd end = (RequestEnd) recorder.facts.get(2);
    assertEquals("putEntity", start.operation());
    assertEquals(List.of(429, "too_many_requests"), List.of(retry.status(), retry.reason()));
    assertEquals(List.of(201, 2), List.of(end.status(), end.attempts()));
    assertEquals("t", transport.requests().get(1).headers().get("traceparent"));
    assertTrue(transport.requests().get(1).headers().get("User-Agent").startsWith("themis-java/"));
    assertFalse(start.headers().toString().contains("s3cr3t"));
    assertFalse(recorder.facts.toString().contains("s3cr3t"));
  }

  @Test
  void cancellingACallGivesItUpAndTellsTheHooks() throws Exception {
    CompletableFuture<Response> never = new CompletableFuture<>();
    Transport hanging =
        new Transport() {
          @Override
          public Response send(Request request, Duration timeout) {
            throw new IllegalStateException("this one does not wait");
          }

          @Override
          public CompletableFuture<Response> sendAsync(Request request, Duration timeout) {
            return request.target().equals("/topology")
                ? CompletableFuture.completedFuture(Response.of(404))
                : never;
          }

          @Override
          public void close() {}
        };
    Recorder recorder = new Recorder();
    try (AsyncThemisClient client =
        AsyncThemisClient.builder()
            .endpoints("http://fake")
            .transport(hanging)
            .hooks(recorder)
            .build()) {
      CompletableFuture<?> call = client.get("document", "things", ID);
      call.cancel(true);
      assertTrue(never.isCancelled());
      RequestEnd end = (RequestEnd) recorder.facts.get(recorder.facts.size() - 1);
      assertInstanceOf(CancellationException.class, end.error());
    }
  }

  @Test
  void anInterruptedCallSaysSoAndKeepsTheFlag() throws Exception {
    CountDownLatch sending = new CountDownLatch(1);
    Transport blocking =
        new Transport() {
          @Override
          public Response send(Request request, Duration timeout) throws InterruptedException {
            if (request.target().equals("/topology")) {
              return Response.of(404);
            }
            sending.countDown();
            new CountDownLatch(1).await();
            throw new IllegalStateException("interrupted before");
          }

          @Override
          public void close() {}
        };
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    AtomicReference<Boolean> flag = new AtomicReference<>();
    try (ThemisClient client =
        ThemisClient.builder().endpoints("http://fake").transport(blocking).build()) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  client.put("document", "things", ID, Map.of());
                } catch (CallInterruptedException e) {
                  thrown.set(e);
                  flag.set(Thread.currentThread().isInterrupted());
                }
              });
      thread.start();
      sending.await();
      thread.interrupt();
      thread.join();
    }
    assertEquals(true, flag.get());
    assertTrue(((CallInterruptedException) thrown.get()).outcomeUnknown());
  }

  @Test
  void aTransportThatOnlyWaitsServesFuturesToo() {
    Transport waiting =
        new Transport() {
          @Override
          public Response send(Request request, Duration timeout) {
            return request.target().equals("/topology") ? Response.of(404) : WRITTEN;
          }

          @Override
          public void close() {}
        };
    assertEquals(
        7,
        put(
                "async",
                waiting,
                WriteOptions.DEFAULT,
                ThemisClient.builder(),
                AsyncThemisClient.builder())
            .version());
  }

  @Test
  void aClosedClientSaysSo() {
    FakeTransport transport = playing();
    ThemisClient client =
        ThemisClient.builder().endpoints("http://fake").transport(transport).build();
    client.close();
    assertTrue(transport.isClosed());
    assertThrows(ClientClosedException.class, () -> client.exists("document", "things", ID));
    AsyncThemisClient async =
        AsyncThemisClient.builder().endpoints("http://fake").transport(transport).build();
    async.close();
    assertTrue(async.exists("document", "things", ID).isCompletedExceptionally());
  }

  @Test
  void argumentsAreCheckedBeforeAnythingIsSent() {
    FakeTransport transport = playing();
    try (ThemisClient client =
        ThemisClient.builder().endpoints("http://fake").transport(transport).build()) {
      assertThrows(InvalidUrnException.class, () -> client.get("document", "things", "x"));
      assertThrows(InvalidUrnException.class, () -> client.getByUrn("urn:x"));
      assertThrows(ConfigurationException.class, () -> client.getCollection("-"));
    }
    assertThrows(ConfigurationException.class, () -> VersionMatch.of(0));
    assertThrows(ConfigurationException.class, () -> VersionMatch.ofHeader("1000"));
    assertThrows(
        ConfigurationException.class,
        () -> ReadOptions.builder().maxLag(Duration.ofMillis(-1)).build());
    assertThrows(ConfigurationException.class, () -> ReadOptions.builder().timeout(Duration.ZERO));
    assertThrows(ConfigurationException.class, () -> ThemisClient.builder().build());
    assertThrows(
        ConfigurationException.class,
        () -> ThemisClient.builder().endpoints("http://u:p@h").build());
    assertTrue(transport.requests().isEmpty());
  }

  @Test
  void aBatchKeepsTheOrderAndTellsWhatFailed() throws IOException {
    FakeTransport transport =
        new FakeTransport(
            request -> {
              JsonNode urns = tree(request).get("urns");
              assertEquals(2, urns.size());
              return Responses.json(
                  200,
                  Map.of(
                      "items",
                      List.of(
                          Map.of("urn", urns.get(0), "version", 5, "doc", Map.of("n", 1)),
                          Map.of("urn", urns.get(1), "error", missing()))));
            });
    try (ThemisClient client =
        ThemisClient.builder().endpoints("http://fake").transport(transport).build()) {
      String other = UUID.randomUUID().toString();
      BatchGetResult result = client.batchGet("document", "things", List.of(ID, "no uuid", other));
      assertEquals(1, result.get(0).orElseThrow().get("n").intValue());
      assertThrows(InvalidUrnException.class, () -> result.get(1));
      assertTrue(result.get(2).isEmpty());
      assertEquals(1, result.failed().get(0).index());
      assertThrows(BatchException.class, result::documents);
      assertEquals(List.of(other), result.missing().stream().map(Urn::uuid).toList());
    }
  }

  private static JsonNode tree(Request request) {
    try {
      return MAPPER.readTree(request.body());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Map<String, Object> missing() {
    return Map.of(
        "code", "entity_not_found", "status", 404, "title", "t", "detail", "d", "retryable", false);
  }

  @Test
  void aBatchBeyondTheLimitsIsCutAndEachPartHasAKeyOfItsOwn() {
    FakeTransport transport =
        new FakeTransport(
            request -> {
              List<Map<String, Object>> items = new ArrayList<>();
              tree(request)
                  .get("items")
                  .forEach(item -> items.add(Map.of("urn", item.get("urn"), "version", 1)));
              return Responses.json(200, Map.of("items", items));
            });
    List<PutEntry> entries = new ArrayList<>();
    for (int i = 0; i < 10_001; i++) {
      entries.add(PutEntry.of(UUID.randomUUID().toString(), Map.of("i", i)));
    }
    try (ThemisClient client =
        ThemisClient.builder().endpoints("http://fake").transport(transport).build()) {
      var result = client.batchPut("document", "things", entries);
      assertTrue(result.isOk());
      assertEquals(
          entries.stream().map(PutEntry::name).toList(),
          result.ok().stream().map(written -> written.urn().uuid()).toList());
    }
    assertEquals(2, transport.requests().size());
    assertNotEquals(key(transport.requests().get(0)), key(transport.requests().get(1)));
    assertTrue(key(transport.requests().get(0)).matches("[0-9a-f]{32}\\.0\\.[0-9a-f]{16}"));
  }
}
