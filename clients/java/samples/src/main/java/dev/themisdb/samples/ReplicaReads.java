package dev.themisdb.samples;

import dev.themisdb.client.Consistency;
import dev.themisdb.client.Entity;
import dev.themisdb.client.ReadOptions;
import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.errors.LagExceededException;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;

/**
 * Reads from the nearest replica that never show less than one has seen, and a session that is
 * handed on.
 */
final class ReplicaReads {

  public static void main(String[] args) {
    String uuid = UUID.randomUUID().toString();
    try (ThemisClient shop = client();
        ThemisClient invoices = client()) {
      shop.put("document", "orders", uuid, Map.of("state", "paid"));

      // The session says what this client has written, and the replica that answers has it.
      Entity order = shop.getEntity("document", "orders", uuid).orElseThrow();
      System.out.printf("%s from %s, a %s", order.doc(), order.node(), order.role());
      // How far it may be behind is not always known; that it has what the session has seen is.
      System.out.println(order.lagMs() == null ? "" : ", at most " + order.lagMs() + " ms behind");

      // Another process goes on from here: a token is a short text, for a cookie or a message.
      invoices.mergeSession(shop.sessionToken());
      Sample.check(invoices.get("document", "orders", uuid).isPresent());

      // How old may it be? A replica that cannot prove that leaves it to the leader.
      try {
        ReadOptions fresh = ReadOptions.bounded(Duration.ofMillis(200));
        System.out.println(shop.get("document", "orders", uuid, fresh).orElseThrow());
      } catch (LagExceededException e) {
        System.out.println("nobody is that fresh; the best replica is behind by " + e.lagMs());
      }
      shop.delete("document", "orders", uuid);
    }
  }

  /** Its reads may lag, and go to a replica near to dc1; its writes go to the leaders, as ever. */
  private static ThemisClient client() {
    return ThemisClient.builder()
        .endpoints(Sample.endpoints())
        .namespace("samples")
        .consistency(Consistency.EVENTUAL)
        .datacenter("dc1")
        .build();
  }
}
