package dev.themisdb.client;

import dev.themisdb.client.core.AsyncDriver;
import dev.themisdb.client.core.Core;
import dev.themisdb.client.core.Options;
import dev.themisdb.client.core.Step;
import dev.themisdb.client.transport.Endpoint;
import dev.themisdb.client.transport.Transport;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * A ThemisDB cluster, for programs that do not wait: every call answers with a future.
 *
 * <p>One client serves a whole process; it keeps connections, the topology and the retry budget.
 * Close it, or use it in a try-with-resources statement. Every call takes a timeout in its options
 * (the client's by default) as a limit that retries never exceed, and fails with the exceptions of
 * {@link dev.themisdb.client.errors}. Its twin is {@link ThemisClient}.
 *
 * <p>A client sees its own writes, and nothing older than what it has read before, whichever
 * replicas answer: it keeps a session, unless {@link ClientBuilder#sessions} says otherwise, and
 * {@link #sessionToken} hands it to another client.
 *
 * <p>Cancelling a future that a call returned (or ending it in another way) gives up what is in
 * flight for it. Futures complete on threads of the common pool; a program that blocks them should
 * use the {@code Async} methods of {@link CompletableFuture} with an executor of its own.
 */
public final class AsyncThemisClient extends AsyncWriteCalls implements AutoCloseable {

  private final Core core;
  private final AsyncDriver driver;

  /**
   * Makes a client of a cluster.
   *
   * @param endpoints URLs of one or more nodes; the others are found through the topology
   * @param namespace where collections are looked for, unless a call says otherwise
   * @param timeout for a call, retries and waits included
   * @param maxRetries retries of a call after its first attempt
   * @throws dev.themisdb.client.errors.ConfigurationException when this cannot work
   */
  public AsyncThemisClient(
      List<String> endpoints, String namespace, Duration timeout, int maxRetries) {
    this(
        builder()
            .endpoints(endpoints)
            .namespace(namespace)
            .timeout(timeout)
            .maxRetries(maxRetries));
  }

  /**
   * Makes a client with the default options.
   *
   * @param endpoints URLs of one or more nodes; the others are found through the topology
   * @throws dev.themisdb.client.errors.ConfigurationException when this cannot work
   */
  public AsyncThemisClient(List<String> endpoints) {
    this(builder().endpoints(endpoints));
  }

  private AsyncThemisClient(ClientBuilder<AsyncThemisClient> builder) {
    this(builder.options(), builder.chosenTransport());
  }

  private AsyncThemisClient(Options options, Transport transport) {
    this.core = new Core(options);
    this.driver = new AsyncDriver(core, transport);
  }

  /**
   * Starts from the default options.
   *
   * @return a builder that needs endpoints at least
   */
  public static ClientBuilder<AsyncThemisClient> builder() {
    return new ClientBuilder<>(AsyncThemisClient::new);
  }

  /**
   * The endpoints that the client was made with.
   *
   * @return their URLs
   */
  public List<String> endpoints() {
    return core.options().endpoints().stream().map(Endpoint::url).toList();
  }

  /**
   * The namespace of calls that name none.
   *
   * @return its name
   */
  public String namespace() {
    return core.options().namespace();
  }

  /**
   * What this client has seen, for {@link #mergeSession} of another one.
   *
   * @return a text; empty when it has seen nothing, or keeps no session
   */
  public String sessionToken() {
    return core.sessionToken();
  }

  /**
   * Takes over what another client has seen: from now on, this client's reads see it, too.
   *
   * @param token what that client's {@link #sessionToken} said
   * @throws dev.themisdb.client.errors.ConfigurationException when it is no such text, or this
   *     client keeps no session
   */
  public void mergeSession(String token) {
    core.mergeSession(token);
  }

  /** Begins a new session, as a client does that has seen nothing. */
  public void forgetSession() {
    core.forgetSession();
  }

  /** Stops the background refresh and lets go of connections; further calls fail. */
  @Override
  public void close() {
    driver.close();
  }

  @Override
  Core core() {
    return core;
  }

  @Override
  <T> CompletableFuture<T> run(Supplier<Step<T>> flow) {
    return driver.run(flow);
  }

  @Override
  public String toString() {
    return "AsyncThemisClient["
        + String.join(", ", endpoints())
        + ", namespace "
        + namespace()
        + "]";
  }
}
