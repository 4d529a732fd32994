package dev.themisdb.samples;

import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.WriteResult;
import java.util.Map;
import java.util.UUID;

/** Write, read, change and delete one document. */
final class FirstSteps {

  /** A document may be read as an object, too. */
  record Person(String name, int age, String city) {}

  public static void main(String[] args) {
    try (ThemisClient client =
        ThemisClient.builder().endpoints(Sample.endpoint()).namespace("samples").build()) {
      String alice = UUID.randomUUID().toString();
      WriteResult written =
          client.put("document", "people", alice, Map.of("name", "Alice", "age", 30));
      System.out.println("written: " + written.urn() + " in version " + written.version());

      System.out.println("read: " + client.get("document", "people", alice).orElseThrow());

      client.patch("document", "people", alice, Map.of("age", 31, "city", "Rome"));
      System.out.println(
          "changed: " + client.get("document", "people", alice, Person.class).orElseThrow());

      client.delete("document", "people", alice);
      System.out.println("deleted: " + client.get("document", "people", alice));
    }
  }
}
