package dev.themisdb.samples;

import dev.themisdb.client.AsyncThemisClient;
import dev.themisdb.client.DeleteEntry;
import dev.themisdb.client.ListOptions;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A hundred writes and reads at once, with futures. */
final class AsyncClient {

  public static void main(String[] args) {
    try (AsyncThemisClient client =
        AsyncThemisClient.builder().endpoints(Sample.endpoint()).namespace("samples").build()) {
      List<String> uuids = Stream.generate(() -> UUID.randomUUID().toString()).limit(100).toList();
      long began = System.nanoTime();
      all(
          IntStream.range(0, uuids.size())
              .mapToObj(n -> client.put("document", "notes", uuids.get(n), Map.of("number", n)))
              .toList());
      System.out.printf(
          "%d writes, each durable, in %.3f s%n", uuids.size(), (System.nanoTime() - began) / 1e9);

      var notes = uuids.stream().map(uuid -> client.get("document", "notes", uuid)).toList();
      all(notes);
      System.out.println(
          "read back: " + notes.stream().filter(note -> note.join().isPresent()).count());

      var walk = client.iterate("notes", ListOptions.builder().pageSize(50).build());
      System.out.println("the first by key: " + walk.next().join().orElseThrow().doc());
      walk.close();

      client
          .batchDelete("document", "notes", uuids.stream().map(DeleteEntry::of).toList())
          .join()
          .throwIfFailed();
    }
  }

  private static void all(List<? extends CompletableFuture<?>> futures) {
    CompletableFuture.allOf(futures.toArray(new CompletableFuture<?>[0])).join();
  }
}
