package dev.themisdb.samples;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.DeleteEntry;
import dev.themisdb.client.RetryPolicy;
import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.hooks.Hooks;
import dev.themisdb.client.hooks.RequestRetry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A writer that goes on while a leader dies: no write fails, none is done twice, and nothing
 * acknowledged is missing.
 *
 * <p>Start it on a cluster ({@code ./themis cluster up --nodes 3}), with {@code SECONDS=20} in its
 * environment, and kill a node while it runs ({@code ./themis cluster kill 2}, and later {@code
 * ./themis cluster start 2}). On a node that is alone it only writes and reads.
 */
final class Failover {

  /** Counts what the SDK did about trouble. */
  private static final class Retries implements Hooks {
    private final AtomicInteger count = new AtomicInteger();

    @Override
    public void onRequestRetry(RequestRetry retry) {
      count.incrementAndGet();
    }
  }

  public static void main(String[] args) throws InterruptedException {
    Retries retries = new Retries();
    // A leader is elected within a second or two: patience for that, within the deadline of each
    // call.
    RetryPolicy patience =
        RetryPolicy.DEFAULT.withRetriesMax(20).withAttemptTimeout(Duration.ofSeconds(3));
    // The number of each document is its place.
    List<String> acknowledged = new ArrayList<>();
    try (ThemisClient client =
        ThemisClient.builder()
            .endpoints(Sample.endpoints())
            .namespace("samples")
            .timeout(Duration.ofSeconds(20))
            .retry(patience)
            .hooks(retries)
            .build()) {
      for (int second = 1; second <= Sample.seconds(); second++) {
        int writes = 0;
        long slowest = 0;
        long began = System.nanoTime();
        while (System.nanoTime() - began < 1_000_000_000L) {
          String uuid = UUID.randomUUID().toString();
          int number = acknowledged.size();
          long started = System.nanoTime();
          // The SDK gives each write an idempotency key: sent again after a failover, it is still
          // done once. Done twice, it would not be what created the entity.
          var written = client.put("document", "ledger", uuid, Map.of("number", number));
          slowest = Math.max(slowest, System.nanoTime() - started);
          Sample.check(Boolean.TRUE.equals(written.created()));
          acknowledged.add(uuid);
          Sample.check(has(client.get("document", "ledger", uuid), number));
          writes++;
          Thread.sleep(5);
        }
        System.out.printf(
            "second %d: %d writes acknowledged, the slowest took %d ms, %d retries%n",
            second, writes, slowest / 1_000_000, retries.count.getAndSet(0));
      }
      List<Optional<ObjectNode>> found =
          client.batchGet("document", "ledger", acknowledged).documents();
      int missing = 0;
      for (int number = 0; number < found.size(); number++) {
        missing += has(found.get(number), number) ? 0 : 1;
      }
      System.out.printf("%d writes acknowledged, %d missing%n", acknowledged.size(), missing);
      Sample.check(missing == 0);
      client
          .batchDelete("document", "ledger", acknowledged.stream().map(DeleteEntry::of).toList())
          .throwIfFailed();
    }
  }

  private static boolean has(Optional<ObjectNode> document, int number) {
    return document.isPresent() && document.get().path("number").intValue() == number;
  }
}
