package dev.themisdb.samples;

import dev.themisdb.client.EntityIterator;
import dev.themisdb.client.ListOptions;
import dev.themisdb.client.ListedEntity;
import dev.themisdb.client.ThemisClient;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/** Walk through a collection page by page, stop, and go on later from the cursor. */
final class IterateCollection {

  public static void main(String[] args) {
    try (ThemisClient client =
        ThemisClient.builder().endpoints(Sample.endpoint()).namespace("samples").build()) {
      String collection = "walk_" + UUID.randomUUID().toString().substring(0, 8);
      client.createCollection(collection, "document");
      Map<String, Object> documents = new HashMap<>();
      for (int n = 0; n < 250; n++) {
        documents.put(UUID.randomUUID().toString(), Map.of("n", n));
      }
      client.batchPut("document", collection, documents).throwIfFailed();

      ListOptions.Builder pages = ListOptions.builder().pageSize(100);
      String cursor;
      try (EntityIterator first = client.iterate(collection, pages.build())) {
        ListedEntity one = first.next();
        System.out.println("the first entity: " + one.urn() + " in version " + one.version());
        for (int i = 1; i < 100; i++) {
          one = first.next();
        }
        System.out.println("the last of its page: " + one.urn().uuid());
        cursor = first.cursor();
      }

      long rest = client.iterate(collection, pages.cursor(cursor).build()).stream().count();
      System.out.println("from the cursor on: " + rest);
      Sample.check(100 + rest == client.countCollection(collection).count());

      int versions = 0;
      for (ListedEntity entity :
          client.iterate(collection, ListOptions.builder().documents(false).build())) {
        Sample.check(entity.doc() == null);
        versions++;
      }
      System.out.println("versions only: " + versions);
      client.dropCollection(collection);
    }
  }
}
