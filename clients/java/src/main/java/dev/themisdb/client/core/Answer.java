package dev.themisdb.client.core;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.errors.ApiException;
import dev.themisdb.client.errors.TransportException;
import dev.themisdb.client.transport.Endpoint;
import dev.themisdb.client.transport.Response;
import java.io.IOException;
import java.util.regex.Pattern;

/** The response that ended a call, and how it was come by. */
record Answer(
    Response response, Endpoint endpoint, int attempts, String requestId, boolean ofWrite) {

  private static final String PROBLEM_TYPE = "application/problem+json";
  private static final Pattern CODE = Pattern.compile("[a-z][a-z0-9_]{0,63}");

  /**
   * The error for a 2xx answer that is not what the operation promises; what it was to write may be
   * written.
   */
  TransportException malformed(String what) {
    return new TransportException(
        endpoint.url() + " answered " + response.status() + ", but " + what,
        TransportException.Kind.PROTOCOL,
        endpoint.url(),
        attempts,
        requestId,
        ofWrite,
        null);
  }

  /** The error for a status that was expected, but not in this form. */
  ApiException error() {
    ObjectNode problem = problem(response);
    boolean retryable =
        problem.path("retryable").isBoolean() && problem.get("retryable").asBoolean();
    return ApiException.of(
        new ApiException.Facts(response.status(), problem, retryable, attempts, requestId, false));
  }

  /** The code of the problem document, "" if there is none. */
  String problemCode() {
    JsonNode code = problem(response).path("code");
    return code.isTextual() ? code.textValue() : "";
  }

  /** The body as an answer of the API. */
  <T> T decoded(Class<T> type) {
    try {
      return Json.decodeModel(response.body(), type);
    } catch (IOException e) {
      throw malformed("its body is no " + type.getSimpleName() + ": " + e.getMessage());
    }
  }

  /** The body as a document. */
  ObjectNode document() {
    try {
      return Json.decodeObject(response.body());
    } catch (IOException e) {
      throw malformed("its body is no JSON object: " + e.getMessage());
    }
  }

  /**
   * The problem document of an answer, empty if it has none: it may come from a proxy. Of an answer
   * without a body, to HEAD, it is as much as the headers say.
   */
  static ObjectNode problem(Response response) {
    if (response.body().length == 0) {
      ObjectNode said = ApiException.noProblem();
      String code = response.header("themis-error");
      return code != null && CODE.matcher(code).matches() ? said.put("code", code) : said;
    }
    String type = response.header("content-type");
    if (type != null && type.startsWith(PROBLEM_TYPE)) {
      try {
        return Json.decodeObject(response.body());
      } catch (IOException e) {
        return ApiException.noProblem();
      }
    }
    return ApiException.noProblem();
  }
}
