package dev.themisdb.bench;

import java.util.Arrays;
import java.util.List;

/**
 * How many requests the SDK gets out of one second of its process's CPU, beside plain java.net.http
 * doing the same, and whether memory stays flat over many.
 */
public final class Bench {

  private static final String HELP =
      """
      java -jar target/bench.jar speed  [--rounds 7] [--seconds 2] [--warm-up 6]
      java -jar target/bench.jar memory [--requests 1000000]

      Both need a node at THEMIS_ENDPOINT (default http://127.0.0.1:8080).
      """;

  private Bench() {}

  /**
   * Runs one of the two measurements.
   *
   * @param args see --help
   * @throws Exception when a request fails
   */
  public static void main(String[] args) throws Exception {
    List<String> given = Arrays.asList(args);
    String given0 = given.isEmpty() ? "--help" : given.get(0);
    switch (given0) {
      case "speed" ->
          new Speed(endpoint(), number(given, "--rounds", 7), number(given, "--warm-up", 6))
              .run(number(given, "--seconds", 2));
      case "memory" -> new Memory(endpoint()).run(number(given, "--requests", 1_000_000));
      default -> System.out.print(HELP);
    }
    System.exit(0);
  }

  private static String endpoint() {
    String given = System.getenv("THEMIS_ENDPOINT");
    return given == null ? "http://127.0.0.1:8080" : given;
  }

  private static int number(List<String> given, String name, int otherwise) {
    int place = given.indexOf(name);
    return place < 0 ? otherwise : Integer.parseInt(given.get(place + 1));
  }
}
