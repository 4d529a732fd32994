package dev.themisdb.samples;

import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.hooks.Hooks;
import dev.themisdb.client.hooks.RequestEnd;
import dev.themisdb.client.hooks.RequestRetry;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;

/** Count calls and add up their time with a hook, and read what a node counts itself. */
final class HooksAndMetrics {

  /** Calls by operation and outcome. Hooks run in the thread of the call: they keep it short. */
  private static final class Figures implements Hooks {
    final Map<String, LongAdder> calls = new TreeMap<>();
    final LongAdder nanos = new LongAdder();
    final LongAdder retries = new LongAdder();

    @Override
    public void onRequestRetry(RequestRetry retry) {
      retries.increment();
    }

    @Override
    public void onRequestEnd(RequestEnd end) {
      String outcome = end.error() == null ? "ok" : end.error().getClass().getSimpleName();
      synchronized (calls) {
        calls.computeIfAbsent(end.operation() + " " + outcome, key -> new LongAdder()).increment();
      }
      nanos.add(end.duration().toNanos());
    }
  }

  public static void main(String[] args) {
    Figures figures = new Figures();
    try (ThemisClient client =
        ThemisClient.builder()
            .endpoints(Sample.endpoint())
            .namespace("samples")
            .hooks(figures)
            .build()) {
      for (int i = 0; i < 20; i++) {
        String uuid = UUID.randomUUID().toString();
        client.put("document", "counted", uuid, Map.of("i", i));
        client.get("document", "counted", uuid);
        client.delete("document", "counted", uuid);
      }
      System.out.println("by operation: " + figures.calls);
      Duration all = Duration.ofNanos(figures.nanos.sum());
      System.out.println(all.toMillis() + " ms in all, " + figures.retries + " retries");
      Sample.check(figures.calls.get("putEntity ok").sum() == 20);

      String line =
          client.metrics().lines().filter(each -> each.startsWith("themis_")).findFirst().get();
      System.out.println("the node itself says, among other things: " + line);
    }
  }
}
