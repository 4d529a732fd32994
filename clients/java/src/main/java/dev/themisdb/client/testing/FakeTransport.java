package dev.themisdb.client.testing;

import dev.themisdb.client.transport.Request;
import dev.themisdb.client.transport.Response;
import dev.themisdb.client.transport.Transport;
import dev.themisdb.client.transport.TransportFailure;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * For tests without a server: answers requests from a function, and remembers them.
 *
 * <pre>{@code
 * FakeTransport transport = new FakeTransport(request -> Responses.json(200, Map.of("name", "Alice")));
 * try (ThemisClient client =
 *     ThemisClient.builder().endpoints("http://fake").transport(transport).build()) {
 *   client.get("document", "users", uuid);
 * }
 * }</pre>
 *
 * <p>One class serves both clients. Throw {@link TransportFailure} from the function to play a
 * network that fails. The topology is asked for like anything else (GET /topology): unless {@link
 * #answeringTopology} is used, it is answered with 404 before the function sees it, and the client
 * then sends everything to the endpoints it was given.
 */
public final class FakeTransport implements Transport {

  /** What answers requests. */
  @FunctionalInterface
  public interface Answers {

    /**
     * Answers one request.
     *
     * @param request what was sent
     * @return the answer
     * @throws TransportFailure to play a network that fails
     */
    Response answer(Request request) throws TransportFailure;
  }

  private final Answers answers;
  private final boolean topology;
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private volatile boolean closed;

  /**
   * Makes a transport whose function does not see requests for the topology.
   *
   * @param answers the function
   */
  public FakeTransport(Answers answers) {
    this(answers, false);
  }

  private FakeTransport(Answers answers, boolean topology) {
    this.answers = answers;
    this.topology = topology;
  }

  /**
   * Makes a transport whose function answers requests for the topology, too.
   *
   * @param answers the function
   * @return the transport
   */
  public static FakeTransport answeringTopology(Answers answers) {
    return new FakeTransport(answers, true);
  }

  /**
   * What was sent.
   *
   * @return the requests in their order, without those that the function does not see
   */
  public List<Request> requests() {
    return List.copyOf(requests);
  }

  /**
   * Whether the client has closed it.
   *
   * @return true if so
   */
  public boolean isClosed() {
    return closed;
  }

  @Override
  public Response send(Request request, Duration timeout) throws TransportFailure {
    if (!topology && (request.target() + "?").startsWith("/topology?")) {
      return Response.of(404);
    }
    // The headers are the call's own and change with its next attempt.
    Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    headers.putAll(request.headers());
    Request kept =
        new Request(
            request.method(), request.endpoint(), request.target(), headers, request.body());
    requests.add(kept);
    return answers.answer(kept);
  }

  @Override
  public CompletableFuture<Response> sendAsync(Request request, Duration timeout) {
    try {
      return CompletableFuture.completedFuture(send(request, timeout));
    } catch (TransportFailure | RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
