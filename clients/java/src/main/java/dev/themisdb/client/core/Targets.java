package dev.themisdb.client.core;

import dev.themisdb.client.generated.Operation;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Paths and queries. */
final class Targets {

  private Targets() {}

  /** The operation's path with its parameters, in their order, percent-encoded. */
  static String path(Operation operation, String... values) {
    String filled = operation.path();
    for (int i = 0; i < values.length; i++) {
      String place = "{" + operation.pathParams().get(i) + "}";
      filled = filled.replace(place, quoted(values[i]));
    }
    return filled;
  }

  /** Every reserved character encoded. */
  static String quoted(String text) {
    // URLEncoder writes forms, which differ from paths in the blank, the asterisk and the tilde.
    return URLEncoder.encode(text, StandardCharsets.UTF_8)
        .replace("+", "%20")
        .replace("*", "%2A")
        .replace("%7E", "~");
  }

  static String withQuery(String path, List<String> parameters) {
    return parameters.isEmpty() ? path : path + "?" + String.join("&", parameters);
  }
}
