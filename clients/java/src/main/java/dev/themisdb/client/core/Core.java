package dev.themisdb.client.core;

import dev.themisdb.client.Consistency;
import dev.themisdb.client.errors.ConfigurationException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The state that all calls of a client share. It does no I/O. */
public final class Core {

  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int ID_BYTES = 16;

  final Options options;
  final LongSupplier clock;
  final Supplier<Instant> wallClock;
  final DoubleSupplier uniform;
  final Router router;
  final @Nullable Session session;
  final HookList hooks;
  final Map<String, String> headers;
  final boolean tokenIsFetched;
  volatile @Nullable String token;

  /** The driver puts its own wake-up here once it has a background refresh. */
  volatile Runnable refreshWanted = () -> {};

  /**
   * The core of a client.
   *
   * @param options the checked options
   */
  public Core(Options options) {
    this(options, System::nanoTime, Instant::now, () -> ThreadLocalRandom.current().nextDouble());
  }

  /** With clocks and chance of a test's own. */
  Core(Options options, LongSupplier clock, Supplier<Instant> wallClock, DoubleSupplier uniform) {
    this.options = options;
    this.clock = clock;
    this.wallClock = wallClock;
    this.uniform = uniform;
    this.router = new Router(options.endpoints(), clock, uniform, options.nearness());
    this.session = options.sessions() ? new Session() : null;
    this.hooks = new HookList(options.hooks());
    Map<String, String> common = new LinkedHashMap<>();
    common.put("User-Agent", options.userAgent());
    common.put("Accept", "application/json, application/problem+json");
    this.headers = Map.copyOf(common);
    this.token = options.token();
    this.tokenIsFetched = options.tokenSource() != null;
  }

  /**
   * The options.
   *
   * @return as they were checked
   */
  public Options options() {
    return options;
  }

  /**
   * What the client has seen, as text.
   *
   * @return empty where it has seen nothing, or keeps no session
   */
  public String sessionToken() {
    return session == null ? "" : session.token();
  }

  /**
   * Takes over what another client has seen; throws ConfigurationException.
   *
   * @param token what that client's {@link #sessionToken} said
   */
  public void mergeSession(String token) {
    if (session == null) {
      throw new ConfigurationException("this client keeps no session (sessions(false))");
    }
    session.merge(token);
  }

  /** Begins a new session. */
  public void forgetSession() {
    if (session != null) {
      session.forget();
    }
  }

  /** How fresh a read must be: as its call says, else as the client does. */
  Freshness freshness(@Nullable Consistency consistency, @Nullable Duration maxLag) {
    return options.freshness().over(consistency, maxLag);
  }

  /** The call's own time limit, or the client's, in nanoseconds. */
  long timeoutNanos(@Nullable Duration timeout) {
    return (timeout == null ? options.timeout() : timeout).toNanos();
  }

  /** The namespace of a call: its own, or the client's. */
  String namespace(@Nullable String namespace) {
    return namespace == null ? options.namespace() : namespace;
  }

  /** A random name for a request or a write: 32 hex digits. */
  static String newId() {
    byte[] bytes = new byte[ID_BYTES];
    RANDOM.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
