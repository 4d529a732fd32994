package dev.themisdb.samples;

/** Where the samples find a node. */
final class Sample {

  private Sample() {}

  static String endpoint() {
    String given = System.getenv("THEMIS_ENDPOINT");
    return given == null ? "http://127.0.0.1:8080" : given;
  }

  static void check(boolean holds) {
    if (!holds) {
      throw new AssertionError("the sample did not do what it shows");
    }
  }
}
