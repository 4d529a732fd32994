package dev.themisdb.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.themisdb.client.AsyncThemisClient;
import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.Urn;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;

/** Rounds in which the SDK and plain java.net.http take turns; the median of paired ratios. */
final class Speed {

  private static final int IN_FLIGHT = 16;
  private static final int BATCH = 100;

  private final OperatingSystemMXBean system =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private final String endpoint;
  private final int rounds;
  private final int warmUp;

  Speed(String endpoint, int rounds, int warmUp) {
    this.warmUp = warmUp;
    this.endpoint = endpoint;
    this.rounds = rounds;
  }

  /** One second of CPU is worth so many calls of `one`. */
  private interface Measure {
    double run(double seconds) throws Exception;
  }

  void run(double seconds) throws Exception {
    try (ThemisClient client = ThemisClient.builder().endpoints(endpoint).build();
        AsyncThemisClient async = AsyncThemisClient.builder().endpoints(endpoint).build()) {
      List<Urn> urns = fill(client);
      List<String> uuids = urns.stream().map(Urn::uuid).toList();
      Plain plain = new Plain(endpoint);
      Urn one = urns.get(0);
      String uuid = one.uuid();
      compare(
          "sync GET",
          seconds,
          s -> waiting(() -> plain.get(one), s),
          s -> waiting(() -> client.get("document", "bench", uuid), s));
      compare(
          "sync batch_get of 100",
          seconds,
          s -> waiting(() -> plain.batchGet(urns), s),
          s -> waiting(() -> client.batchGet("document", "bench", uuids), s));
      compare(
          "async GET, 16 in flight",
          seconds,
          s -> flying(() -> plain.getAsync(one), s),
          s -> flying(() -> async.get("document", "bench", uuid), s));
      compare(
          "async batch_get of 100, 16 in flight",
          seconds,
          s -> flying(() -> plain.batchGetAsync(urns), s),
          s -> flying(() -> async.batchGet("document", "bench", uuids), s));
    }
  }

  private static List<Urn> fill(ThemisClient client) {
    Map<String, Object> documents = new LinkedHashMap<>();
    List<Urn> urns = new ArrayList<>();
    for (int i = 0; i < BATCH; i++) {
      String uuid = UUID.nameUUIDFromBytes(new byte[] {7, (byte) i}).toString();
      documents.put(uuid, Map.of("number", i, "name", "x".repeat(160)));
      urns.add(Urn.of("document", "default", "bench", uuid));
    }
    client.batchPut("document", "bench", documents).throwIfFailed();
    return urns;
  }

  private void compare(String what, double seconds, Measure plain, Measure sdk) throws Exception {
    // So that the compiler has seen both before either is measured.
    for (int i = 0; i < 2; i++) {
      plain.run(warmUp / 2.0);
      sdk.run(warmUp / 2.0);
    }
    List<Double> ratios = new ArrayList<>();
    List<Double> plains = new ArrayList<>();
    List<Double> sdks = new ArrayList<>();
    for (int round = 0; round < rounds; round++) {
      boolean plainFirst = round % 2 == 0;
      double first = (plainFirst ? plain : sdk).run(seconds);
      double second = (plainFirst ? sdk : plain).run(seconds);
      plains.add(plainFirst ? first : second);
      sdks.add(plainFirst ? second : first);
      ratios.add(sdks.get(round) / plains.get(round));
    }
    System.out.printf(
        "%-38s plain %7.0f/CPU-s   themis-java %7.0f/CPU-s   ratio %.2f (%.2f to %.2f)%n",
        what,
        median(plains),
        median(sdks),
        median(ratios),
        ratios.stream().min(Double::compare).get(),
        ratios.stream().max(Double::compare).get());
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get(sorted.size() / 2);
  }

  private double waiting(Callable<?> one, double seconds) throws Exception {
    long cpu = system.getProcessCpuTime();
    long end = System.nanoTime() + (long) (seconds * 1e9);
    long count = 0;
    while (System.nanoTime() < end) {
      one.call();
      count++;
    }
    return count * 1e9 / (system.getProcessCpuTime() - cpu);
  }

  private double flying(Callable<? extends CompletableFuture<?>> one, double seconds)
      throws Exception {
    Semaphore free = new Semaphore(IN_FLIGHT);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    long cpu = system.getProcessCpuTime();
    long end = System.nanoTime() + (long) (seconds * 1e9);
    long count = 0;
    while (System.nanoTime() < end) {
      free.acquire();
      count++;
      one.call()
          .whenComplete(
              (value, error) -> {
                if (error != null) {
                  failure.set(error);
                }
                free.release();
              });
    }
    free.acquire(IN_FLIGHT);
    if (failure.get() != null) {
      throw new IllegalStateException(failure.get());
    }
    return count * 1e9 / (system.getProcessCpuTime() - cpu);
  }
}
