package dev.themisdb.samples;

import java.util.List;

/** Where the samples find a node. */
final class Sample {

  private Sample() {}

  static String endpoint() {
    String given = System.getenv("THEMIS_ENDPOINT");
    return given == null ? "http://127.0.0.1:8080" : given;
  }

  /** Where several nodes are: their URLs, separated by commas. */
  static List<String> endpoints() {
    return List.of(endpoint().split(","));
  }

  /** How long a sample runs that goes on for a while. */
  static int seconds() {
    String given = System.getenv("SECONDS");
    return given == null ? 2 : Integer.parseInt(given);
  }

  static void check(boolean holds) {
    if (!holds) {
      throw new AssertionError("the sample did not do what it shows");
    }
  }
}
