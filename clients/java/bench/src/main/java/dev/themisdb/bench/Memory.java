package dev.themisdb.bench;

import dev.themisdb.client.AsyncThemisClient;
import dev.themisdb.client.ThemisClient;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Semaphore;

/** Used heap after garbage collection, while requests go on: half of them wait, half fly. */
final class Memory {

  private static final int REPORTS = 10;
  private static final int IN_FLIGHT = 16;

  private final String endpoint;

  Memory(String endpoint) {
    this.endpoint = endpoint;
  }

  void run(int requests) throws InterruptedException {
    String uuid = UUID.randomUUID().toString();
    Semaphore free = new Semaphore(IN_FLIGHT);
    try (ThemisClient client = ThemisClient.builder().endpoints(endpoint).build();
        AsyncThemisClient async = AsyncThemisClient.builder().endpoints(endpoint).build()) {
      client.put("document", "bench", uuid, Map.of("name", "x".repeat(160)));
      long began = System.nanoTime();
      for (int done = 0; done < requests; done += requests / REPORTS) {
        for (int i = 0; i < requests / REPORTS; i += 2) {
          client.get("document", "bench", uuid);
          free.acquire();
          async.get("document", "bench", uuid).whenComplete((found, error) -> free.release());
        }
        free.acquire(IN_FLIGHT);
        free.release(IN_FLIGHT);
        report(done + requests / REPORTS, began);
      }
    }
  }

  private static void report(int done, long began) throws InterruptedException {
    Runtime runtime = Runtime.getRuntime();
    System.gc();
    Thread.sleep(200);
    System.gc();
    System.out.printf(
        "%,10d requests, %6.1f s: %,8d KiB used after GC, %d threads%n",
        done,
        (System.nanoTime() - began) / 1e9,
        (runtime.totalMemory() - runtime.freeMemory()) / 1024,
        Thread.activeCount());
  }
}
