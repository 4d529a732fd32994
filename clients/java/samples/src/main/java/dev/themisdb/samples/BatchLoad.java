package dev.themisdb.samples;

import dev.themisdb.client.BatchResult;
import dev.themisdb.client.PutEntry;
import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.WriteResult;
import dev.themisdb.client.errors.BatchException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Load many rows with few requests, read some back, and see what a partial failure looks like. */
final class BatchLoad {

  private static final int ROWS = 5_000;

  record Row(int number, long square) {}

  /** A key made from the row itself: loading twice changes nothing. */
  private static String key(int number) {
    String name = "sample-row-" + number;
    return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString();
  }

  public static void main(String[] args) {
    try (ThemisClient client =
        ThemisClient.builder().endpoints(Sample.endpoint()).namespace("samples").build()) {
      List<PutEntry> rows = new ArrayList<>();
      for (int number = 0; number < ROWS; number++) {
        rows.add(PutEntry.of(key(number), new Row(number, (long) number * number)));
      }
      long began = System.nanoTime();
      BatchResult<WriteResult> result = client.batchPut("relational", "java_rows", rows);
      result.throwIfFailed();
      System.out.printf(
          "%d rows in %.2f s%n", result.ok().size(), (System.nanoTime() - began) / 1e9);
      System.out.println("on the server: " + client.countCollection("java_rows").count());

      var found =
          client.batchGet("relational", "java_rows", List.of(key(3), key(ROWS + 1), key(5)));
      System.out.println("two that are there, one that is not: " + found.documents());

      // 0 says "must not exist": the first of these does.
      BatchResult<WriteResult> mixed =
          client.batchPut(
              "relational",
              "java_rows",
              List.of(PutEntry.of(key(0), new Row(0, 0), 0), PutEntry.of(key(1), new Row(1, 1))));
      System.out.printf(
          "%d written, %d refused: %s%n",
          mixed.ok().size(), mixed.failed().size(), mixed.failed().get(0).error().getMessage());
      try {
        mixed.throwIfFailed();
      } catch (BatchException e) {
        System.out.println("as an exception: " + e.getMessage());
      }
    }
  }
}
