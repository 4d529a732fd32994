package dev.themisdb.samples;

import dev.themisdb.client.ConditionalRead;
import dev.themisdb.client.Entity;
import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.VersionMatch;
import java.util.Map;
import java.util.UUID;

/** Keep a copy and ask whether it is still good: an unchanged document is not sent again. */
final class ConditionalReads {

  public static void main(String[] args) {
    try (ThemisClient client =
        ThemisClient.builder().endpoints(Sample.endpoint()).namespace("samples").build()) {
      String page = UUID.randomUUID().toString();
      client.put("document", "pages", page, Map.of("title", "Home"));
      Entity copy = client.getEntity("document", "pages", page).orElseThrow();
      VersionMatch known = VersionMatch.of(copy.version());

      ConditionalRead again = client.getEntityIfNoneMatch("document", "pages", page, known);
      System.out.println("unchanged: " + again.isNotModified());

      client.patch("document", "pages", page, Map.of("title", "Start"));
      again = client.getEntityIfNoneMatch("document", "pages", page, known);
      System.out.println("changed: " + again.entity().orElseThrow().doc());
      client.delete("document", "pages", page);
    }
  }
}
