package dev.themisdb.client.transport;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * An exchange that brought no complete response. Transports throw it; the core turns it into
 * another attempt or into one of the errors of the SDK.
 */
public final class TransportFailure extends Exception {

  private static final long serialVersionUID = 1L;

  /** What went wrong on the way. */
  public enum Kind {
    /** No connection: refused, unreachable, name unknown, TLS refused. */
    CONNECT,
    /** The connection ended before the answer was complete. */
    LOST,
    /** What came back is not HTTP, or beyond a limit. */
    PROTOCOL,
    /** The time given ran out. */
    TIMEOUT;

    /**
     * The word that all SDKs use.
     *
     * @return the name in lower case
     */
    public String value() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** What went wrong. */
  private final Kind kind;

  /** Whether it may have arrived. */
  private final boolean sent;

  /** Whether the connection was an old one. */
  private final boolean reused;

  /**
   * Makes a failure.
   *
   * @param kind what went wrong
   * @param message for people; without secrets
   * @param sent whether any part of the request may have reached the server; when in doubt: true
   * @param reused whether the connection had served an earlier exchange, so that the server may
   *     just have closed it
   * @param cause what lies behind it, if anything
   */
  public TransportFailure(
      Kind kind, String message, boolean sent, boolean reused, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.sent = sent;
    this.reused = reused;
  }

  /**
   * Makes a failure of a new connection.
   *
   * @param kind what went wrong
   * @param message for people; without secrets
   * @param sent whether any part of the request may have reached the server; when in doubt: true
   */
  public TransportFailure(Kind kind, String message, boolean sent) {
    this(kind, message, sent, false, null);
  }

  /**
   * What went wrong.
   *
   * @return the kind
   */
  public Kind kind() {
    return kind;
  }

  /**
   * Whether any part of the request may have reached the server.
   *
   * @return true when in doubt
   */
  public boolean sent() {
    return sent;
  }

  /**
   * Whether the connection had served an earlier exchange.
   *
   * @return true if the server may just have closed it
   */
  public boolean reused() {
    return reused;
  }
}
