package dev.themisdb.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.errors.LagExceededException;
import dev.themisdb.client.testing.FakeTransport;
import dev.themisdb.client.testing.Responses;
import dev.themisdb.client.transport.Request;
import dev.themisdb.client.transport.Response;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Three nodes without a server: who is asked, what a session says, what refusals lead to. */
@Timeout(30)
class ManyNodesTest {

  private static final String ID = UUID.randomUUID().toString();
  private static final RetryPolicy QUICK =
      RetryPolicy.DEFAULT.withBackoff(Duration.ofMillis(1), Duration.ofMillis(2));
  private static final Map<String, Object> TOPOLOGY =
      Map.of(
          "epoch",
          1,
          "nodes",
          IntStream.range(1, 4).mapToObj(ManyNodesTest::node).toList(),
          "shards",
          List.of(
              Map.of(
                  "shard_id",
                  "s",
                  "leader",
                  "n1",
                  "leader_term",
                  3,
                  "replicas",
                  IntStream.range(1, 4)
                      .mapToObj(n -> Map.of("node_id", "n" + n, "role", "voter"))
                      .toList())),
          "tokens",
          List.of(List.of("0000000000000000", "s")));

  private final ArrayDeque<Response> script = new ArrayDeque<>();
  private final FakeTransport transport = FakeTransport.answeringTopology(this::answer);

  private static Map<String, String> node(int number) {
    return Map.of(
        "node_id",
        "n" + number,
        "endpoint",
        "http://node" + number + ":1",
        "datacenter",
        "dc" + number,
        "rack",
        "r",
        "state",
        "up",
        "version",
        "0");
  }

  private Response answer(Request request) {
    if (request.target().equals("/topology")) {
      return Responses.json(200, TOPOLOGY);
    }
    Response next = script.poll();
    return next != null ? next : found(Map.of());
  }

  private static Response found(Map<String, String> headers) {
    Map<String, String> all = new HashMap<>(headers);
    all.put("ETag", "\"5\"");
    return Responses.json(200, Map.of("version", 5), all);
  }

  private static Response refused(int status, String code, Map<String, String> headers) {
    Response plain = Responses.problem(status, code, true, Map.of("limit", 100, "lag_ms", 250));
    Map<String, String> all = new HashMap<>(headers);
    all.put("content-type", "application/problem+json");
    return Response.of(status, all, plain.body());
  }

  private ClientBuilder<ThemisClient> builder() {
    return ThemisClient.builder()
        .endpoints("http://node1:1")
        .retry(QUICK)
        .refreshInterval(Duration.ofHours(1))
        .transport(transport);
  }

  private List<Request> sent() {
    return transport.requests().stream().filter(r -> !r.target().equals("/topology")).toList();
  }

  private List<String> hosts() {
    return sent().stream()
        .map(request -> request.endpoint().url().replaceAll("http://|:1$", ""))
        .toList();
  }

  private <T> List<T> ofSent(Function<Request, T> what) {
    return sent().stream().map(what).collect(Collectors.toList());
  }

  private List<String> sessions() {
    return ofSent(request -> request.headers().get("Themis-Session"));
  }

  private void get(ThemisClient client, ReadOptions options) {
    client.get("document", "things", ID, options);
  }

  @Test
  void whoAnswersAsLeaderIsAskedFromThenOn() {
    script.add(found(Map.of("Themis-Role", "leader", "Themis-Node", "n3")));
    try (ThemisClient client = builder().build()) {
      get(client, ReadOptions.DEFAULT);
      client.put("document", "things", ID, Map.of());
    }
    assertEquals(List.of("node1", "node3"), hosts());
  }

  @Test
  void anEntitySaysWhereItWasRead() {
    script.add(found(Map.of("Themis-Role", "follower", "Themis-Node", "n3", "Themis-Lag-Ms", "7")));
    try (ThemisClient client = builder().build()) {
      Entity entity = client.getEntity("document", "things", ID).orElseThrow();
      assertEquals(
          List.of("follower", 7L, "n3"), List.of(entity.role(), entity.lagMs(), entity.node()));
      assertNull(client.getEntity("document", "things", ID).orElseThrow().node());
    }
  }

  @Test
  void readsThatMayLagGoToANearReplicaAndSayWhatTheClientHasSeen() {
    script.add(found(Map.of("Themis-Session", "s:5,other:9")));
    try (ThemisClient client = builder().datacenter("dc2").build()) {
      client.put("document", "things", ID, Map.of());
      get(client, ReadOptions.eventual());
      get(client, ReadOptions.DEFAULT);
      get(client, ReadOptions.bounded(Duration.ZERO));
      assertEquals("other:9,s:5", client.sessionToken());
    }
    assertEquals(List.of("node1", "node2", "node1", "node1"), hosts());
    assertEquals(Arrays.asList(null, "s:5", null, null), sessions());
  }

  @Test
  void aClientSaysHowFreshItsReadsAreAndACallSaysItOver() {
    ReadOptions hasty = ReadOptions.builder().maxLag(Duration.ofMillis(50)).build();
    try (ThemisClient client =
        builder().consistency(Consistency.BOUNDED).maxLag(Duration.ofMillis(200)).build()) {
      get(client, ReadOptions.DEFAULT);
      get(client, hasty);
      get(client, ReadOptions.eventual());
    }
    assertEquals(
        List.of(
            "consistency=bounded&max_lag_ms=200",
            "consistency=bounded&max_lag_ms=50",
            "consistency=eventual"),
        ofSent(request -> request.target().substring(request.target().indexOf('?') + 1)));
    try (ThemisClient client = builder().build()) {
      assertThrows(ConfigurationException.class, () -> get(client, hasty));
      ListOptions walk = ListOptions.builder().maxLag(Duration.ZERO).build();
      assertThrows(ConfigurationException.class, () -> client.iterate("things", walk));
    }
    assertThrows(
        ConfigurationException.class, () -> builder().maxLag(Duration.ofMillis(1)).build());
    assertEquals(3, sent().size());
  }

  @Test
  void aSessionGoesFromClientToClient() {
    try (ThemisClient client = builder().build();
        AsyncThemisClient other =
            AsyncThemisClient.builder().endpoints("http://node1:1").transport(transport).build()) {
      client.mergeSession("s:3,t:4");
      other.mergeSession(client.sessionToken());
      assertThrows(ConfigurationException.class, () -> other.mergeSession("s"));
      other.get("document", "things", ID, ReadOptions.eventual()).join();
      other.forgetSession();
      other.get("document", "things", ID, ReadOptions.eventual()).join();
      assertEquals("", other.sessionToken());
      assertEquals("s:3,t:4", client.sessionToken());
    }
    assertEquals(Arrays.asList("s:3", null), sessions());
  }

  @Test
  void aClientWithoutSessionsKeepsNone() {
    script.add(found(Map.of("Themis-Session", "s:5")));
    try (ThemisClient client = builder().sessions(false).build()) {
      get(client, ReadOptions.eventual());
      get(client, ReadOptions.eventual());
      assertEquals("", client.sessionToken());
      assertThrows(ConfigurationException.class, () -> client.mergeSession(""));
      client.forgetSession();
    }
    assertEquals(Arrays.asList(null, null), sessions());
  }

  @Test
  void aSessionThatIsTooLargeIsNeverCut() {
    String large =
        IntStream.range(0, 500)
            .mapToObj(n -> "shard_with_a_name_%03d:1".formatted(n))
            .collect(Collectors.joining(","));
    script.add(Responses.json(200, Map.of("count", 0, "shards", List.of())));
    try (ThemisClient client = builder().datacenter("dc2").build()) {
      client.mergeSession(large);
      client.countCollection("things", ReadOptions.bounded(Duration.ofMillis(5)));
      get(client, ReadOptions.eventual());
    }
    assertTrue(sent().get(0).target().endsWith("/count?consistency=strong"));
    assertTrue(sent().get(1).target().endsWith("?consistency=eventual"), "one shard's entry fits");
    assertEquals(Arrays.asList(null, null), sessions());
  }

  @Test
  void whatIsTooFarBehindIsAskedOfTheLeaderAtOnce() {
    script.add(refused(503, "lag_exceeded", Map.of("Retry-After", "20")));
    try (ThemisClient client = builder().datacenter("dc2").build()) {
      get(client, ReadOptions.bounded(Duration.ofMillis(100)));
    }
    assertEquals(List.of("node2", "node1"), hosts());
    assertEquals(1, ofSent(Request::target).stream().distinct().count());
  }

  @Test
  void whoHasNobodyElseToAskWaitsAsLongAsToldTo() {
    script.add(refused(503, "no_leader", Map.of("Retry-After", "20")));
    ReadOptions hasty = ReadOptions.builder().timeout(Duration.ofSeconds(2)).build();
    try (ThemisClient client = builder().build()) {
      assertThrows(RuntimeException.class, () -> get(client, hasty));
    }
    assertEquals(1, sent().size());
  }

  @Test
  void aNodeThatShutsDownIsLeftAlone() {
    script.add(refused(503, "shutting_down", Map.of("Retry-After", "20")));
    try (ThemisClient client = builder().build()) {
      client.put("document", "things", ID, Map.of());
    }
    assertEquals("node1", hosts().get(0));
    assertFalse(hosts().get(1).equals("node1"));
    assertEquals(2, hosts().size());
  }

  @Test
  void howFarReplicasAreBehindIsTold() {
    for (int i = 0; i < 4; i++) {
      script.add(refused(503, "lag_exceeded", Map.of()));
    }
    try (ThemisClient client = builder().build()) {
      LagExceededException error =
          assertThrows(
              LagExceededException.class,
              () -> get(client, ReadOptions.bounded(Duration.ofMillis(100))));
      assertEquals(OptionalLong.of(100), error.limit());
      assertEquals(OptionalLong.of(250), error.lagMs());
    }
  }

  @Test
  void operatorsCallsHaveNoKeyAndTheirNamesAreChecked() {
    CallOptions keyed = CallOptions.builder().idempotencyKey("mine").build();
    script.add(
        Responses.json(
            200, Map.of("shard_id", "s", "leader", "n2", "leader_term", 4, "moved", true)));
    script.add(Responses.json(200, Map.of("revoked", "0a1b2c3d")));
    script.add(Responses.json(200, Map.of("removed", "n3", "epoch", 2)));
    try (ThemisClient client = builder().build()) {
      client.adminTransferLeader("s", "n2", keyed);
      assertEquals("0a1b2c3d", client.adminRevokeJoinToken("0a1b2c3d"));
      assertEquals("n3", client.adminRemoveNode("n3", true).removed());
      assertThrows(ConfigurationException.class, () -> client.adminNode("../x"));
      assertThrows(ConfigurationException.class, () -> client.adminShard(""));
      assertThrows(ConfigurationException.class, () -> client.adminReplaceReplica("s", "n1", "-"));
      assertThrows(ConfigurationException.class, () -> client.adminMetrics("a b"));
    }
    assertEquals(
        List.of(
            "POST /api/admin/shards/s/transfer-leader",
            "DELETE /api/admin/join-tokens/0a1b2c3d",
            "DELETE /api/admin/nodes/n3?force=true"),
        ofSent(request -> request.method() + " " + request.target()));
    assertEquals("{\"target\":\"n2\"}", new String(sent().get(0).body(), StandardCharsets.UTF_8));
    assertTrue(sent().stream().noneMatch(r -> r.headers().containsKey("Idempotency-Key")));
  }
}
