package dev.themisdb.client;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The items of a batch in whichever form they came. */
final class BatchEntries {

  private BatchEntries() {}

  static List<PutEntry> of(Map<? extends CharSequence, ?> documents) {
    List<PutEntry> found = new ArrayList<>(documents.size());
    documents.forEach((name, document) -> found.add(PutEntry.of(name, document)));
    return found;
  }
}
