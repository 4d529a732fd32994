package dev.themisdb.client.transport;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One HTTP response, read to its end. */
public final class Response {

  private static final byte[] NOTHING = {};

  private final int status;
  private final Map<String, List<String>> headers;
  private final byte[] body;

  private Response(int status, Map<String, List<String>> headers, byte[] body) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  /**
   * Makes a response.
   *
   * @param status the HTTP status
   * @param headers by name, in any case
   * @param body the bytes; not to be changed afterwards
   * @return the response
   */
  public static Response of(int status, Map<String, String> headers, byte[] body) {
    TreeMap<String, List<String>> found = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    headers.forEach((name, value) -> found.put(name, List.of(value)));
    return new Response(status, found, body);
  }

  /**
   * Makes a response without headers and body.
   *
   * @param status the HTTP status
   * @return the response
   */
  public static Response of(int status) {
    return new Response(status, Map.of(), NOTHING);
  }

  /** {@code headers} finds names in any case, as those of java.net.http do. */
  static Response received(int status, Map<String, List<String>> headers, byte[] body) {
    return new Response(status, headers, body);
  }

  /**
   * The HTTP status.
   *
   * @return 200 or more
   */
  public int status() {
    return status;
  }

  /**
   * A header.
   *
   * @param name in any case
   * @return its value, null when it is missing; of several with one name, joined by commas
   */
  public @Nullable String header(String name) {
    List<String> values = headers.get(name);
    if (values == null || values.isEmpty()) {
      return null;
    }
    return values.size() == 1 ? values.get(0) : String.join(", ", values);
  }

  /**
   * The body.
   *
   * @return its bytes, not a copy; empty when there is none
   */
  public byte[] body() {
    return body;
  }

  @Override
  public String toString() {
    return "Response[" + status + ", " + body.length + " bytes]";
  }
}
