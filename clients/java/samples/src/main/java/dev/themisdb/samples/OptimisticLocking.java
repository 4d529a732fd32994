package dev.themisdb.samples;

import dev.themisdb.client.Entity;
import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.WriteOptions;
import dev.themisdb.client.errors.PreconditionFailedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Many threads change one document, and no change is lost: read the version, write only if it is
 * still that one.
 */
final class OptimisticLocking {

  private static final int THREADS = 4;
  private static final int STEPS = 10;

  /** Adds one to the counter; returns how many tries it took. */
  private static int increment(ThemisClient client, String counter) {
    for (int tries = 1; ; tries++) {
      Entity entity = client.getEntity("document", "counters", counter).orElseThrow();
      int next = entity.doc().get("value").intValue() + 1;
      try {
        WriteOptions onlyOver = WriteOptions.ifVersion(entity.version());
        client.put("document", "counters", counter, Map.of("value", next), onlyOver);
        return tries;
      } catch (PreconditionFailedException e) {
        System.out.println("somebody was faster: it is at " + e.version().orElseThrow());
      }
    }
  }

  public static void main(String[] args) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try (ThemisClient client =
        ThemisClient.builder().endpoints(Sample.endpoint()).namespace("samples").build()) {
      String counter = UUID.randomUUID().toString();
      client.put("document", "counters", counter, Map.of("value", 0), WriteOptions.ifNew());
      List<Future<Integer>> running = new ArrayList<>();
      for (int i = 0; i < THREADS * STEPS; i++) {
        running.add(threads.submit(() -> increment(client, counter)));
      }
      int tries = 0;
      for (Future<Integer> each : running) {
        tries += each.get();
      }
      int value = client.get("document", "counters", counter).orElseThrow().get("value").intValue();
      System.out.printf(
          "%d increments took %d tries; the counter says %d%n", THREADS * STEPS, tries, value);
      Sample.check(value == THREADS * STEPS);
      client.delete("document", "counters", counter);
    } finally {
      threads.shutdown();
    }
  }
}
