package dev.themisdb.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.AsyncEntityIterator;
import dev.themisdb.client.AsyncThemisClient;
import dev.themisdb.client.ClientBuilder;
import dev.themisdb.client.EntityIterator;
import dev.themisdb.client.ListedEntity;
import dev.themisdb.client.ThemisClient;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;

/**
 * The adapter of themis-java for themis-conformance: conformance/PROTOCOL.md over stdin and stdout.
 *
 * <p>Sync calls run in a thread each, async ones as futures; the main thread reads commands and
 * never waits for a call, so that a cancel gets through.
 */
public final class Adapter {

  private static final String[] FEATURES = {
    "vectors", "entities", "batches", "iterate", "catalogue", "cluster", "cancel", "hooks",
    "tokens", "tls", "administration", "replicas", "sessions"
  };

  private record Client(AutoCloseable client, Recorder recorder) {}

  private final Map<String, Client> clients = new ConcurrentHashMap<>();
  private final Map<String, AutoCloseable> iterators = new ConcurrentHashMap<>();
  private final Map<Long, CompletableFuture<?>> running = new ConcurrentHashMap<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final PrintStream out;

  private Adapter(PrintStream out) {
    this.out = out;
  }

  /**
   * Obeys the lines of stdin until it ends.
   *
   * @param args none
   * @throws Exception when stdin cannot be read
   */
  public static void main(String[] args) throws Exception {
    new Adapter(new PrintStream(System.out, true, StandardCharsets.UTF_8)).serve();
    // Calls that still run must not keep the process: the runner has hung up.
    Runtime.getRuntime().halt(0);
  }

  private void serve() throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode command = Wire.decode(Wire.MAPPER.readTree(line));
      long id = command.get("id").longValue();
      try {
        obey(id, command);
      } catch (Unsupported e) {
        reply(id, "unsupported", Wire.MAPPER.getNodeFactory().textNode(e.getMessage()));
      } catch (Exception e) {
        fail(id, e);
      }
    }
    for (Client each : clients.values()) {
      each.client.close();
    }
  }

  private void obey(long id, JsonNode command) throws Exception {
    switch (command.get("do").textValue()) {
      case "hello" -> hello(id);
      case "vector" ->
          answer(
              id,
              Vectors.apply(
                  command.get("rule").textValue(),
                  command.get("op").textValue(),
                  command.get("input")));
      case "createClient" -> createClient(id, command);
      case "call" -> call(id, command);
      case "iterate" -> iterate(id, command);
      case "next" -> next(id, iterators.get(command.get("iterator").textValue()));
      case "closeIterator" -> {
        AutoCloseable iterator = iterators.remove(command.get("iterator").textValue());
        iterator.close();
        answer(id, cursor(iterator));
      }
      case "cancel" -> {
        CompletableFuture<?> future = running.get(command.get("call").longValue());
        if (future != null) {
          future.cancel(true);
        }
        answer(id, Wire.object());
      }
      case "events" -> {
        Client client = clients.get(command.get("client").textValue());
        answer(id, Wire.object().set("events", client.recorder.take()));
      }
      case "closeClient" -> {
        // The name stays: a call on a closed client is a case of its own.
        clients.get(command.get("client").textValue()).client.close();
        answer(id, Wire.object());
      }
      default -> throw new Unsupported("the command " + command.get("do"));
    }
  }

  private void hello(long id) {
    ObjectNode value = Wire.object().put("protocol", 1).put("sdk", "themis-java");
    value.put("version", ClientBuilder.SDK_VERSION);
    value.put("language", "Java " + System.getProperty("java.version"));
    value.putArray("modes").add("sync").add("async");
    for (String feature : FEATURES) {
      value.withArray("features").add(feature);
    }
    answer(id, value);
  }

  private void createClient(long id, JsonNode command) {
    boolean async = command.path("mode").asText("sync").equals("async");
    JsonNode options = command.get("options");
    Recorder recorder = new Recorder();
    AutoCloseable client =
        async
            ? ClientOptions.apply(AsyncThemisClient.builder(), options, recorder).build()
            : ClientOptions.apply(ThemisClient.builder(), options, recorder).build();
    clients.put(command.get("client").textValue(), new Client(client, recorder));
    answer(id, Wire.object());
  }

  private void call(long id, JsonNode command) {
    AutoCloseable client = clients.get(command.get("client").textValue()).client;
    String op = command.get("op").textValue();
    Arguments args = new Arguments(op, command.get("args"));
    if (client instanceof AsyncThemisClient async) {
      start(id, AsyncOps.call(async, op, args), value -> Wire.shape(op, value));
      return;
    }
    Callable<Object> work = SyncOps.call((ThemisClient) client, op, args);
    start(id, () -> Wire.shape(op, work.call()));
  }

  private void iterate(long id, JsonNode command) {
    AutoCloseable client = clients.get(command.get("client").textValue()).client;
    Arguments args = new Arguments("iterate", command.get("args"));
    String collection = args.text("collection");
    AutoCloseable iterator =
        client instanceof AsyncThemisClient async
            ? async.iterate(collection, args.list())
            : ((ThemisClient) client).iterate(collection, args.list());
    args.done();
    iterators.put(command.get("iterator").textValue(), iterator);
    answer(id, cursor(iterator));
  }

  private void next(long id, AutoCloseable iterator) {
    if (iterator instanceof AsyncEntityIterator async) {
      start(id, async.next(), item -> Wire.item(((Optional<?>) item).map(ListedEntity.class::cast)));
      return;
    }
    EntityIterator entities = (EntityIterator) iterator;
    start(
        id,
        () -> Wire.item(entities.hasNext() ? Optional.of(entities.next()) : Optional.empty()));
  }

  private static ObjectNode cursor(AutoCloseable iterator) {
    return Wire.object()
        .put(
            "cursor",
            iterator instanceof AsyncEntityIterator async
                ? async.cursor()
                : ((EntityIterator) iterator).cursor());
  }

  /** Runs beside the main thread and answers with what it gives. */
  private void start(long id, Callable<JsonNode> work) {
    threads.execute(
        () -> {
          try {
            answer(id, work.call());
          } catch (Exception e) {
            fail(id, e);
          }
        });
  }

  private void start(
      long id, CompletableFuture<?> future, Function<Object, JsonNode> shape) {
    running.put(id, future);
    future.whenComplete(
        (value, error) -> {
          running.remove(id);
          try {
            if (error == null) {
              answer(id, shape.apply(value));
            } else {
              fail(id, error);
            }
          } catch (RuntimeException e) {
            fail(id, e);
          }
        });
  }

  private void answer(long id, JsonNode value) {
    reply(id, "value", Wire.encode(value));
  }

  private void fail(long id, Throwable error) {
    ObjectNode described = Wire.describe(error);
    if (described.get("kind").textValue().equals("crash")) {
      error.printStackTrace();
    }
    reply(id, "error", described);
  }

  private void reply(long id, String member, JsonNode content) {
    ObjectNode reply = Wire.object().put("id", id);
    reply.set(member, content);
    synchronized (out) {
      try {
        out.write((Wire.MAPPER.writeValueAsString(reply) + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
