package dev.themisdb.samples;

import dev.themisdb.client.RetryPolicy;
import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.WriteOptions;
import dev.themisdb.client.errors.ApiException;
import dev.themisdb.client.errors.CallException;
import dev.themisdb.client.errors.PreconditionFailedException;
import dev.themisdb.client.errors.TransportException;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;

/** What may go wrong, what is tried again by itself, and what an error can tell. */
final class RetriesAndErrors {

  public static void main(String[] args) {
    String uuid = UUID.randomUUID().toString();
    try (ThemisClient client =
        ThemisClient.builder().endpoints(Sample.endpoint()).namespace("samples").build()) {
      client.put("document", "errors", uuid, Map.of("n", 1));
      try {
        client.put("document", "errors", uuid, Map.of("n", 2), WriteOptions.ifNew());
      } catch (PreconditionFailedException e) {
        System.out.println("a condition failed; the current version is " + e.version());
      }
      try {
        client.put("document", "errors", uuid, Map.of("_key", "mine"));
      } catch (ApiException e) {
        System.out.println("refused: " + e.code() + " at " + e.problem().path("pointer"));
      }
      client.delete("document", "errors", uuid);
    }

    // Nobody listens here: the call is tried again until its patience ends.
    RetryPolicy hasty =
        RetryPolicy.DEFAULT
            .withRetriesMax(2)
            .withBackoff(Duration.ofMillis(10), Duration.ofMillis(20));
    try (ThemisClient nowhere =
        ThemisClient.builder()
            .endpoints("http://127.0.0.1:9")
            .retry(hasty)
            .timeout(Duration.ofSeconds(5))
            .build()) {
      nowhere.put("document", "errors", uuid, Map.of("n", 1));
    } catch (TransportException e) {
      describe(e);
      Sample.check(e.attempts() == 3 && !e.outcomeUnknown());
    }
  }

  private static void describe(CallException e) {
    System.out.println("after " + e.attempts() + " attempts: " + e.reason());
    System.out.println("may it have happened all the same? " + e.outcomeUnknown());
    System.out.println("what to look for in the servers' logs: " + e.requestId());
  }
}
