package dev.themisdb.client.transport;

import java.util.Map;

/**
 * One HTTP request, complete but for what the connection adds (Host, Content-Length).
 *
 * @param method the HTTP method
 * @param endpoint the node
 * @param target path and query, percent-encoded, without the endpoint's own path
 * @param headers by name; the map belongs to the call and changes with its next attempt
 * @param body the bytes, empty for none; not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody; a copy a request would be waste
public record Request(
    String method, Endpoint endpoint, String target, Map<String, String> headers, byte[] body) {

  /**
   * The whole URL, for logs and for transports that want one.
   *
   * @return endpoint and target
   */
  public String url() {
    return endpoint.url() + target;
  }

  @Override
  public String toString() {
    // Headers carry the token, bodies carry data: neither belongs into a log.
    return "Request[" + method + " " + url() + "]";
  }
}
