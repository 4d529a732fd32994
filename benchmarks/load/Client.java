import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.OperatingSystemMXBean;
import dev.themisdb.client.ThemisClient;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A Java client under measurement, in a process of its own: {@code Client KIND OPERATION PORT}.
 *
 * <p>The first line of stdin is a JSON list of uuids; each further line is a number of seconds to work for, and is
 * answered by a line {@code {"requests", "cpu_s"}}. The process lives through all rounds, so that what it has compiled
 * stays compiled.
 */
public final class Client {
  private static final int THREADS = 4;
  private static final int ITEMS = 100;
  private static final String PREFIX = "urn:themis:document:bench:people:";
  private static final ObjectMapper JSON = new ObjectMapper();

  private Client() {}

  /** One request, or one batch of them. */
  private interface Call {
    void run(List<String> uuids) throws IOException, InterruptedException;
  }

  public static void main(String[] arguments) throws Exception {
    String url = "http://127.0.0.1:" + arguments[2];
    boolean isBatch = arguments[1].equals("batch");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    List<String> uuids = new ArrayList<>();
    JSON.readTree(lines.readLine()).forEach(uuid -> uuids.add(uuid.asText()));
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try (ThemisClient themis = ThemisClient.builder().endpoints(url).namespace("bench").build()) {
      Call call = arguments[0].equals("themis") ? themis(themis, isBatch) : plain(url, isBatch);
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        System.out.println(measure(threads, call, uuids, isBatch ? ITEMS : 1, Double.parseDouble(line)));
      }
    } finally {
      threads.shutdown();
    }
  }

  private static Call themis(ThemisClient client, boolean isBatch) {
    return isBatch
        ? uuids -> client.batchGet("document", "people", uuids).forEach(found -> check(found.orElseThrow()))
        : uuids -> check(client.get("document", "people", uuids.get(0)).orElseThrow());
  }

  private static Call plain(String url, boolean isBatch) {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    if (!isBatch) {
      return uuids -> {
        String name = URLEncoder.encode(PREFIX + uuids.get(0), StandardCharsets.UTF_8);
        check(send(client, HttpRequest.newBuilder(URI.create(url + "/entity/" + name)).build()));
      };
    }
    URI batch = URI.create(url + "/batch/get");
    return uuids -> {
      ObjectNode body = JSON.createObjectNode();
      ArrayNode urns = body.putArray("urns");
      uuids.forEach(uuid -> urns.add(PREFIX + uuid));
      HttpRequest.BodyPublisher publisher = HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(body));
      HttpRequest request =
          HttpRequest.newBuilder(batch).header("Content-Type", "application/json").POST(publisher).build();
      send(client, request).get("items").forEach(item -> check(item.get("doc")));
    };
  }

  private static JsonNode send(HttpClient client, HttpRequest request) throws IOException, InterruptedException {
    HttpResponse<byte[]> response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
    if (response.statusCode() != 200) {
      throw new IOException("answered " + response.statusCode());
    }
    return JSON.readTree(response.body());
  }

  private static void check(JsonNode document) {
    if (!document.path("tags").path(0).asText().equals("alpha")) {
      throw new IllegalStateException("not the document that was stored: " + document);
    }
  }

  private static String measure(
      ExecutorService threads, Call call, List<String> uuids, int items, double seconds)
      throws InterruptedException, ExecutionException {
    var process = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long end = System.nanoTime() + (long) (seconds * 1e9);
    long before = process.getProcessCpuTime();
    AtomicInteger position = new AtomicInteger();
    int places = uuids.size() / items;
    List<Future<Integer>> running = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      running.add(
          threads.submit(
              () -> {
                int requests = 0;
                for (; System.nanoTime() < end; requests++) {
                  int from = Math.floorMod(position.getAndIncrement(), places) * items;
                  call.run(uuids.subList(from, from + items));
                }
                return requests;
              }));
    }
    int requests = 0;
    for (Future<Integer> one : running) {
      requests += one.get();
    }
    double used = (process.getProcessCpuTime() - before) / 1e9;
    return String.format(Locale.ROOT, "{\"requests\": %d, \"cpu_s\": %.6f}", requests, used);
  }
}
