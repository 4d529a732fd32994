package dev.themisdb.client.hooks;

import java.util.Map;

/**
 * A logical call begins.
 *
 * @param operation its operationId
 * @param method the HTTP method
 * @param target path and query
 * @param requestId under which id the servers will know it
 * @param headers starts empty and may be filled, to carry a trace along ({@code traceparent});
 *     names that the SDK itself sends win
 */
public record RequestStart(
    String operation, String method, String target, String requestId, Map<String, String> headers) {

  @Override
  public String toString() {
    // What hooks put into the headers is theirs: it may be a secret.
    return "RequestStart[" + operation + ", " + method + " " + target + ", " + requestId + "]";
  }
}
