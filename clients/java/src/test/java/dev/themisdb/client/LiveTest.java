package dev.themisdb.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.themisdb.client.errors.AlreadyExistsException;
import dev.themisdb.client.errors.ApiException;
import dev.themisdb.client.errors.CollectionNotFoundException;
import dev.themisdb.client.errors.EntityNotFoundException;
import dev.themisdb.client.errors.ModelMismatchException;
import dev.themisdb.client.errors.NamespaceNotEmptyException;
import dev.themisdb.client.errors.PreconditionFailedException;
import dev.themisdb.client.errors.TooLargeException;
import dev.themisdb.client.generated.Model;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Both clients against a real node: the everyday calls, end to end. */
@EnabledIf(value = "isPossible", disabledReason = "neither THEMIS_ENDPOINT nor themis-server")
class LiveTest {

  private static LiveNode node;

  private ThemisClient client;
  private String namespace;

  static boolean isPossible() {
    return LiveNode.isPossible();
  }

  @BeforeAll
  static void start() throws IOException {
    node = LiveNode.start();
  }

  @AfterAll
  static void stop() throws IOException {
    node.close();
  }

  @BeforeEach
  void connect() {
    namespace = "ns-" + newUuid().substring(0, 8);
    client = ThemisClient.builder().endpoints(node.endpoint()).namespace(namespace).build();
  }

  @AfterEach
  void disconnect() {
    client.close();
  }

  private static String newUuid() {
    return UUID.randomUUID().toString();
  }

  @Test
  void anEntityLivesItsLife() {
    String uuid = newUuid();
    assertTrue(client.get("relational", "users", uuid).isEmpty());
    WriteResult written =
        client.put(Model.RELATIONAL, "users", uuid, Map.of("name", "Älice", "age", 30));
    assertEquals(true, written.created());
    assertEquals(30, client.get("relational", "users", uuid).orElseThrow().get("age").intValue());
    Entity entity = client.getEntity("relational", "users", uuid).orElseThrow();
    assertEquals(written.version(), entity.version());
    assertEquals("leader", entity.role());
    assertTrue(
        client
            .getEntityIfNoneMatch("relational", "users", uuid, VersionMatch.of(entity.version()))
            .isNotModified());
    assertInstanceOf(
        ConditionalRead.Missing.class,
        client.getEntityIfNoneMatch("relational", "users", newUuid(), VersionMatch.any()));
    WriteResult patched =
        client.patch(
            "relational",
            "users",
            uuid,
            Map.of("city", "Rom"),
            WriteOptions.ifVersion(entity.version()));
    var refused =
        assertThrows(
            PreconditionFailedException.class,
            () -> client.put("relational", "users", uuid, Map.of(), WriteOptions.ifVersion(1)));
    assertEquals(OptionalLong.of(patched.version()), refused.version());
    assertTrue(client.exists("relational", "users", uuid));
    assertTrue(client.existsByUrn(entity.urn()));
    assertTrue(client.delete("relational", "users", uuid).isPresent());
    assertTrue(client.delete("relational", "users", uuid).isEmpty());
    assertFalse(client.exists("relational", "users", uuid));
    assertThrows(
        EntityNotFoundException.class,
        () -> client.patch("relational", "users", uuid, Map.of("a", 1)));
  }

  @Test
  void readsMayLag() {
    String uuid = newUuid();
    client.put("document", "users", uuid, Map.of("a", 1));
    for (ReadOptions options :
        List.of(ReadOptions.eventual(), ReadOptions.bounded(Duration.ofMillis(500)))) {
      assertTrue(client.get("document", "users", uuid, options).isPresent());
      assertTrue(client.batchGet("document", "users", List.of(uuid), options).get(0).isPresent());
    }
  }

  @Test
  void aKeyMakesARepeatedWriteHarmless() {
    String uuid = newUuid();
    WriteOptions options = WriteOptions.builder().ifAbsent().idempotencyKey("k-" + uuid).build();
    WriteResult first = client.put("document", "users", uuid, Map.of("a", 1), options);
    WriteResult again = client.put("document", "users", uuid, Map.of("a", 1), options);
    assertEquals(first.version(), again.version());
    assertTrue(again.replayed());
  }

  @Test
  void batches() {
    Map<String, Object> documents = new LinkedHashMap<>();
    IntStream.range(0, 12_000).forEach(i -> documents.put(newUuid(), Map.of("i", i)));
    client.batchPut("document", "users", documents).throwIfFailed();
    List<String> uuids = new ArrayList<>(documents.keySet()).subList(0, 500);
    uuids.add(newUuid());
    BatchGetResult got = client.batchGet("document", "users", uuids);
    assertEquals(7, got.get(7).orElseThrow().get("i").intValue());
    assertEquals(1, got.missing().size());
    var mixed =
        client.batchPut(
            "document",
            "users",
            List.of(
                PutEntry.of(uuids.get(0), Map.of(), got.ok().get(0).version()),
                PutEntry.of(uuids.get(1), Map.of(), 1),
                PutEntry.of(newUuid(), Map.of(), 0)));
    assertEquals(2, mixed.ok().size());
    assertInstanceOf(PreconditionFailedException.class, mixed.failed().get(0).error());
    var gone =
        client.batchDelete(
            "document", "users", List.of(DeleteEntry.of(uuids.get(0)), DeleteEntry.of(newUuid())));
    assertEquals(1, gone.ok().size());
    assertEquals(1, gone.missing().size());
    assertEquals(12_000, client.countCollection("users").count());
  }

  @Test
  void listing() {
    List<String> uuids = Stream.generate(LiveTest::newUuid).limit(250).sorted().toList();
    Map<String, Object> documents = new LinkedHashMap<>();
    uuids.forEach(uuid -> documents.put(uuid, Map.of("u", uuid)));
    client.batchPut("timeseries", "weather", documents).throwIfFailed();
    ListOptions small = ListOptions.builder().pageSize(100).build();
    List<String> found = new ArrayList<>();
    for (ListedEntity entity : client.iterate("weather", small)) {
      found.add(entity.urn().uuid());
    }
    assertEquals(uuids, found);
    ListOptions versions = ListOptions.builder().documents(false).build();
    assertTrue(client.iterate("weather", versions).stream().allMatch(e -> e.doc() == null));
    try (EntityIterator first = client.iterate("weather", small)) {
      first.next();
      ListOptions rest = ListOptions.builder().pageSize(100).cursor(first.cursor()).build();
      assertEquals(150, client.iterate("weather", rest).stream().count());
    }
  }

  @Test
  void theCatalogue() {
    client.createNamespace(
        namespace, NamespaceSettings.builder().autoCreateCollections(false).build());
    assertThrows(
        AlreadyExistsException.class,
        () -> client.createNamespace(namespace, NamespaceSettings.DEFAULT));
    assertThrows(
        CollectionNotFoundException.class,
        () -> client.put("document", "users", newUuid(), Map.of()));
    CollectionSettings settings =
        CollectionSettings.builder().description("People.").cacheMaxAgeSeconds(60).build();
    var users = client.createCollection("users", "document", settings, CallOptions.DEFAULT);
    assertEquals("People.", users.options().description());
    assertThrows(ModelMismatchException.class, () -> client.createCollection("users", Model.GRAPH));
    assertEquals(users, client.getCollection("users"));
    CollectionSettings change = CollectionSettings.builder().cacheMaxAgeSeconds(0).build();
    assertEquals("People.", client.alterCollection("users", change).options().description());
    assertEquals(1, client.listCollections().size());
    assertTrue(client.listNamespaces().stream().anyMatch(n -> n.name().equals(namespace)));
    assertThrows(NamespaceNotEmptyException.class, () -> client.dropNamespace(namespace, false));
    assertEquals("users", client.dropCollection("users"));
    assertEquals(namespace, client.dropNamespace(namespace, true));
  }

  @Test
  void theCluster() {
    var topology = client.topology();
    assertTrue(topology.epoch() >= 1);
    assertTrue(client.version().features().contains("entity"));
    assertTrue(client.health().ready());
    assertTrue(client.metrics().contains("themis_"));
    assertEquals(topology.epoch(), client.adminTopology().epoch());
    assertTrue(client.adminMetrics().intervalMs() > 0);
  }

  @Test
  void refusalsAreTyped() {
    ApiException reserved =
        assertThrows(
            ApiException.class,
            () -> client.put("document", "users", newUuid(), Map.of("_key", 1)));
    assertEquals("reserved_attribute", reserved.code());
    assertThrows(
        TooLargeException.class,
        () -> client.put("document", "users", newUuid(), Map.of("a", "x".repeat(2_000_000))));
  }

  @Test
  void withoutWaiting() {
    try (AsyncThemisClient async =
        AsyncThemisClient.builder().endpoints(node.endpoint()).namespace(namespace).build()) {
      List<CompletableFuture<WriteResult>> writes = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        writes.add(async.put("document", "many", newUuid(), Map.of("i", i)));
      }
      writes.forEach(CompletableFuture::join);
      assertEquals(200, async.countCollection("many").join().count());
      List<Integer> found = new ArrayList<>();
      ListOptions small = ListOptions.builder().pageSize(50).build();
      async.iterate("many", small).forEach(e -> found.add(e.doc().get("i").intValue())).join();
      assertEquals(IntStream.range(0, 200).boxed().toList(), found.stream().sorted().toList());
    }
  }

  @Test
  void theFirstLinesOfTheReadmeWorkWhenPasted(@TempDir Path folder) throws Exception {
    String readme = Files.readString(Path.of("README.md"));
    String code = readme.split("```java\n", 2)[1].split("```", 2)[0];
    Path source = folder.resolve("First.java");
    Files.writeString(source, code.replace("http://127.0.0.1:8080", node.endpoint()));
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                classPath(),
                source.toString())
            .redirectErrorStream(true)
            .start();
    StringWriter output = new StringWriter();
    process.inputReader().transferTo(new PrintWriter(output));
    assertEquals(0, process.waitFor(), output.toString());
    assertTrue(output.toString().contains("Alice"), output.toString());
  }

  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
        + ":"
        + Path.of("target", "classes").toAbsolutePath()
        + ":"
        + System.getProperty("jdk.module.path", "");
  }
}
