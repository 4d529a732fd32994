package dev.themisdb.client.testing;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.transport.Response;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Answers for {@link FakeTransport}. */
public final class Responses {

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Responses() {}

  /**
   * A JSON answer.
   *
   * @param status the HTTP status
   * @param body what Jackson makes JSON of
   * @return the answer
   */
  public static Response json(int status, Object body) {
    return json(status, body, Map.of());
  }

  /**
   * A JSON answer with headers.
   *
   * @param status the HTTP status
   * @param body what Jackson makes JSON of
   * @param headers such as {@code Map.of("ETag", "\"1\"")}
   * @return the answer
   */
  public static Response json(int status, Object body, Map<String, String> headers) {
    Map<String, String> all = new HashMap<>();
    all.put("content-type", "application/json");
    headers.forEach((name, value) -> all.put(name.toLowerCase(Locale.ROOT), value));
    return Response.of(status, all, bytes(body));
  }

  /**
   * An error answer of ThemisDB (RFC 9457).
   *
   * @param status the HTTP status
   * @param code the stable code
   * @param retryable whether the same request may be sent again
   * @return the answer
   */
  public static Response problem(int status, String code, boolean retryable) {
    return problem(status, code, retryable, Map.of());
  }

  /**
   * An error answer of ThemisDB (RFC 9457) with further members.
   *
   * @param status the HTTP status
   * @param code the stable code
   * @param retryable whether the same request may be sent again
   * @param members further members, such as {@code version}
   * @return the answer
   */
  public static Response problem(
      int status, String code, boolean retryable, Map<String, ?> members) {
    ObjectNode problem = MAPPER.createObjectNode();
    problem.put("type", "https://themisdb.dev/errors/" + code);
    problem.put("title", code.replace('_', ' '));
    problem.put("status", status);
    problem.put("detail", "");
    problem.put("code", code);
    problem.put("retryable", retryable);
    members.forEach(problem::putPOJO);
    return Response.of(status, Map.of("content-type", "application/problem+json"), bytes(problem));
  }

  private static byte[] bytes(Object body) {
    try {
      return MAPPER.writeValueAsBytes(body);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("that has no JSON form", e);
    }
  }
}
