package dev.themisdb.client;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.themisdb.client.core.Checks;
import dev.themisdb.client.core.Freshness;
import dev.themisdb.client.core.Json;
import dev.themisdb.client.core.Nearness;
import dev.themisdb.client.core.Options;
import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.hooks.Hooks;
import dev.themisdb.client.transport.Endpoint;
import dev.themisdb.client.transport.HttpTransport;
import dev.themisdb.client.transport.TlsOptions;
import dev.themisdb.client.transport.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The options of a client. Everything but the endpoints has a default.
 *
 * @param <C> which client is built
 */
public final class ClientBuilder<C> {

  /** The version of this SDK. */
  public static final String SDK_VERSION = "0.1.0";

  private final Function<ClientBuilder<C>, C> maker;
  private final List<String> endpoints = new ArrayList<>();
  private final List<Hooks> hooks = new ArrayList<>();
  private String namespace = "default";
  private Duration timeout = Duration.ofSeconds(30);
  private @Nullable Integer maxRetries;
  private @Nullable RetryPolicy retry;
  private @Nullable RetryBudget retryBudget;
  private @Nullable String token;
  private @Nullable Supplier<? extends CompletionStage<String>> tokenSource;
  private @Nullable TlsOptions tls;
  private @Nullable Transport transport;
  private int poolSize = 32;
  private Duration connectTimeout = Duration.ofSeconds(5);
  private boolean idempotencyKeys = true;
  private Duration refreshInterval = Duration.ofSeconds(30);
  private @Nullable String userAgent;
  private int parallel = 4;
  private @Nullable Consistency consistency;
  private @Nullable Duration maxLag;
  private @Nullable String datacenter;
  private @Nullable String rack;
  private boolean sessions = true;
  private @Nullable ObjectMapper objectMapper;

  ClientBuilder(Function<ClientBuilder<C>, C> maker) {
    this.maker = maker;
  }

  /**
   * URLs of one or more nodes; the others are found through the topology.
   *
   * @param urls such as {@code http://127.0.0.1:8080}
   * @return this
   */
  public ClientBuilder<C> endpoints(String... urls) {
    return endpoints(List.of(urls));
  }

  /**
   * URLs of one or more nodes; the others are found through the topology.
   *
   * @param urls such as {@code http://127.0.0.1:8080}
   * @return this
   */
  public ClientBuilder<C> endpoints(Collection<String> urls) {
    endpoints.addAll(urls);
    return this;
  }

  /**
   * Where collections are looked for, unless a call says otherwise.
   *
   * @param name at first {@code default}
   * @return this
   */
  public ClientBuilder<C> namespace(String name) {
    this.namespace = name;
    return this;
  }

  /**
   * How long a call may take, retries and waits included.
   *
   * @param limit at first 30 seconds
   * @return this
   */
  public ClientBuilder<C> timeout(Duration limit) {
    this.timeout = limit;
    return this;
  }

  /**
   * How often a call is tried again after its first attempt.
   *
   * @param retries at first 3
   * @return this
   */
  public ClientBuilder<C> maxRetries(int retries) {
    this.maxRetries = retries;
    return this;
  }

  /**
   * The whole retry policy, instead of {@link #maxRetries}.
   *
   * @param policy the policy
   * @return this
   */
  public ClientBuilder<C> retry(RetryPolicy policy) {
    this.retry = policy;
    return this;
  }

  /**
   * Limits the retries of all calls together; share one between clients if you like.
   *
   * @param budget the budget
   * @return this
   */
  public ClientBuilder<C> retryBudget(RetryBudget budget) {
    this.retryBudget = budget;
    return this;
  }

  /**
   * A bearer token.
   *
   * @param bearer visible ASCII characters
   * @return this
   */
  public ClientBuilder<C> token(String bearer) {
    this.token = bearer;
    return this;
  }

  /**
   * What fetches a bearer token: asked once, and once more when the server answers 401.
   *
   * @param source may block
   * @return this
   */
  public ClientBuilder<C> token(Supplier<String> source) {
    return tokenAsync(() -> CompletableFuture.completedFuture(source.get()));
  }

  /**
   * What fetches a bearer token: asked once, and once more when the server answers 401.
   *
   * @param source does not block
   * @return this
   */
  public ClientBuilder<C> tokenAsync(Supplier<? extends CompletionStage<String>> source) {
    this.tokenSource = source;
    return this;
  }

  /**
   * How to verify https endpoints, and the client's own certificate.
   *
   * @param options the options
   * @return this
   */
  public ClientBuilder<C> tls(TlsOptions options) {
    this.tls = options;
    return this;
  }

  /**
   * Who is told about requests, retries and ends, besides those already named.
   *
   * @param more the hooks
   * @return this
   */
  public ClientBuilder<C> hooks(Hooks... more) {
    hooks.addAll(List.of(more));
    return this;
  }

  /**
   * Carries the requests instead of java.net.http. The client closes it.
   *
   * @param carrier the transport
   * @return this
   */
  public ClientBuilder<C> transport(Transport carrier) {
    this.transport = carrier;
    return this;
  }

  /**
   * How many connections a node may have at most.
   *
   * @param connections at first 32
   * @return this
   */
  public ClientBuilder<C> poolSize(int connections) {
    this.poolSize = connections;
    return this;
  }

  /**
   * How long one attempt to connect may take.
   *
   * @param limit at first 5 seconds
   * @return this
   */
  public ClientBuilder<C> connectTimeout(Duration limit) {
    this.connectTimeout = limit;
    return this;
  }

  /**
   * Whether writes get a key of their own, which makes them safe to retry. Without one, a write
   * that may have reached a server is never sent again.
   *
   * @param keys at first true
   * @return this
   */
  public ClientBuilder<C> idempotencyKeys(boolean keys) {
    this.idempotencyKeys = keys;
    return this;
  }

  /**
   * How often the topology is refreshed in the background.
   *
   * @param interval at first 30 seconds
   * @return this
   */
  public ClientBuilder<C> refreshInterval(Duration interval) {
    this.refreshInterval = interval;
    return this;
  }

  /**
   * What is added to the SDK's own User-Agent.
   *
   * @param program printable ASCII
   * @return this
   */
  public ClientBuilder<C> userAgent(String program) {
    this.userAgent = program;
    return this;
  }

  /**
   * How many requests of one batch may be in flight at once.
   *
   * @param requests at first 4
   * @return this
   */
  public ClientBuilder<C> parallel(int requests) {
    this.parallel = requests;
    return this;
  }

  /**
   * How fresh reads must be that say nothing themselves.
   *
   * @param level at first strong
   * @return this
   */
  public ClientBuilder<C> consistency(Consistency level) {
    this.consistency = level;
    return this;
  }

  /**
   * How far behind bounded reads may be that say nothing themselves.
   *
   * @param limit at most an hour; goes with {@link Consistency#BOUNDED}
   * @return this
   */
  public ClientBuilder<C> maxLag(Duration limit) {
    this.maxLag = limit;
    return this;
  }

  /**
   * The datacenter that the program runs in: reads that may lag go to replicas there, if they can.
   *
   * @param name as the nodes have it
   * @return this
   */
  public ClientBuilder<C> datacenter(String name) {
    this.datacenter = name;
    return this;
  }

  /**
   * The rack that the program runs in; its nodes are nearer than others of the datacenter.
   *
   * @param name as the nodes have it; goes with {@link #datacenter}
   * @return this
   */
  public ClientBuilder<C> rack(String name) {
    this.rack = name;
    return this;
  }

  /**
   * Whether the client keeps a session: its reads that may lag then see what it has written and
   * read before, whichever replicas answer.
   *
   * @param kept at first true
   * @return this
   */
  public ClientBuilder<C> sessions(boolean kept) {
    this.sessions = kept;
    return this;
  }

  /**
   * What makes JSON of a program's objects, and the other way round. (Documents as trees are always
   * read exactly, whatever it is like.)
   *
   * @param mapper Jackson's, as the program has configured it
   * @return this
   */
  public ClientBuilder<C> objectMapper(ObjectMapper mapper) {
    this.objectMapper = mapper;
    return this;
  }

  /**
   * Makes the client. Nothing is sent before its first call.
   *
   * @return the client
   * @throws ConfigurationException when the options cannot work
   */
  public C build() {
    return maker.apply(this);
  }

  Options options() {
    return new Options(
        parsed(endpoints),
        namespace,
        timeout,
        policy(),
        retryBudget == null ? new RetryBudget() : retryBudget,
        hooks,
        token,
        tokenSource,
        idempotencyKeys,
        refreshInterval,
        userAgentHeader(),
        parallel,
        new Json(objectMapper == null ? Json.defaultMapper() : objectMapper),
        new Freshness(consistency, maxLag),
        new Nearness(datacenter, rack),
        sessions);
  }

  Transport chosenTransport() {
    return transport == null ? new HttpTransport(tls, poolSize, connectTimeout) : transport;
  }

  private RetryPolicy policy() {
    if (retry != null) {
      return retry;
    }
    return maxRetries == null
        ? RetryPolicy.DEFAULT
        : RetryPolicy.DEFAULT.withRetriesMax(maxRetries);
  }

  private String userAgentHeader() {
    String own = "themis-java/" + SDK_VERSION;
    return userAgent == null ? own : own + " " + Checks.headerValue(userAgent, "user_agent");
  }

  private static List<Endpoint> parsed(List<String> urls) {
    try {
      return urls.stream().map(Endpoint::parse).toList();
    } catch (IllegalArgumentException e) {
      throw new ConfigurationException(String.valueOf(e.getMessage()));
    }
  }
}
