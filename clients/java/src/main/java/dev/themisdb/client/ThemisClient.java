package dev.themisdb.client;

import dev.themisdb.client.core.Core;
import dev.themisdb.client.core.Options;
import dev.themisdb.client.core.Step;
import dev.themisdb.client.core.SyncDriver;
import dev.themisdb.client.transport.Endpoint;
import dev.themisdb.client.transport.Transport;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;

/**
 * A ThemisDB cluster, for threads that wait.
 *
 * <p>One client serves all threads of a process; it keeps connections, the topology and the retry
 * budget. Close it, or use it in a try-with-resources statement. Every call takes a timeout in its
 * options (the client's by default) as a limit that retries never exceed, and fails with the
 * exceptions of {@link dev.themisdb.client.errors}. Its twin is {@link AsyncThemisClient}.
 *
 * <p>A client sees its own writes, and nothing older than what it has read before, whichever
 * replicas answer: it keeps a session, unless {@link ClientBuilder#sessions} says otherwise, and
 * {@link #sessionToken} hands it to another client.
 *
 * <p>A thread that is interrupted while it waits gives its exchange up: the call fails with {@link
 * dev.themisdb.client.errors.CallInterruptedException}, and the thread's interrupt flag is set.
 */
public final class ThemisClient extends WriteCalls implements AutoCloseable {

  private final Core core;
  private final SyncDriver driver;

  /**
   * Makes a client of a cluster.
   *
   * @param endpoints URLs of one or more nodes; the others are found through the topology
   * @param namespace where collections are looked for, unless a call says otherwise
   * @param timeout for a call, retries and waits included
   * @param maxRetries retries of a call after its first attempt
   * @throws dev.themisdb.client.errors.ConfigurationException when this cannot work
   */
  public ThemisClient(List<String> endpoints, String namespace, Duration timeout, int maxRetries) {
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
  public ThemisClient(List<String> endpoints) {
    this(builder().endpoints(endpoints));
  }

  private ThemisClient(ClientBuilder<ThemisClient> builder) {
    this(builder.options(), builder.chosenTransport());
  }

  private ThemisClient(Options options, Transport transport) {
    this.core = new Core(options);
    this.driver = new SyncDriver(core, transport);
  }

  /**
   * Starts from the default options.
   *
   * @return a builder that needs endpoints at least
   */
  public static ClientBuilder<ThemisClient> builder() {
    return new ClientBuilder<>(ThemisClient::new);
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
  <T> T run(Supplier<Step<T>> flow) {
    return driver.run(flow);
  }

  @Override
  public String toString() {
    return "ThemisClient[" + String.join(", ", endpoints()) + ", namespace " + namespace() + "]";
  }
}
