package dev.themisdb.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.Urn;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** What a program without the SDK would write: java.net.http and Jackson, and nothing else. */
final class Plain {

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final ObjectMapper mapper = new ObjectMapper();
  private final String endpoint;

  Plain(String endpoint) {
    this.endpoint = endpoint;
  }

  private HttpRequest getRequest(Urn urn) {
    return HttpRequest.newBuilder(URI.create(endpoint + "/entity/" + urn.quoted()))
        .header("Accept", "application/json")
        .GET()
        .build();
  }

  private HttpRequest batchRequest(List<Urn> urns) throws IOException {
    ObjectNode body = mapper.createObjectNode();
    urns.forEach(urn -> body.withArray("urns").add(urn.toString()));
    return HttpRequest.newBuilder(URI.create(endpoint + "/batch/get"))
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofByteArray(mapper.writeValueAsBytes(body)))
        .build();
  }

  private JsonNode document(HttpResponse<byte[]> response) {
    if (response.statusCode() != 200) {
      throw new IllegalStateException("status " + response.statusCode());
    }
    try {
      return mapper.readTree(response.body());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private List<JsonNode> documents(HttpResponse<byte[]> response) {
    List<JsonNode> found = new ArrayList<>();
    document(response).get("items").forEach(item -> found.add(item.get("doc")));
    return found;
  }

  JsonNode get(Urn urn) throws IOException, InterruptedException {
    return document(client.send(getRequest(urn), HttpResponse.BodyHandlers.ofByteArray()));
  }

  List<JsonNode> batchGet(List<Urn> urns) throws IOException, InterruptedException {
    return documents(client.send(batchRequest(urns), HttpResponse.BodyHandlers.ofByteArray()));
  }

  CompletableFuture<JsonNode> getAsync(Urn urn) {
    return client
        .sendAsync(getRequest(urn), HttpResponse.BodyHandlers.ofByteArray())
        .thenApply(this::document);
  }

  CompletableFuture<List<JsonNode>> batchGetAsync(List<Urn> urns) throws IOException {
    return client
        .sendAsync(batchRequest(urns), HttpResponse.BodyHandlers.ofByteArray())
        .thenApply(this::documents);
  }
}
