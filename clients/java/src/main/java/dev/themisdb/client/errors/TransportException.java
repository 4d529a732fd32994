package dev.themisdb.client.errors;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** No answer came, or none that makes sense. */
public final class TransportException extends CallException {

  private static final long serialVersionUID = 1L;

  /** What went wrong on the way. */
  public enum Kind {
    /** No connection: refused, unreachable, name unknown, TLS refused. */
    CONNECT,
    /** The connection ended before the answer was complete. */
    LOST,
    /** What came back is not what it should be, or beyond a limit. */
    PROTOCOL;

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

  /** Who was asked last. */
  private final String endpoint;

  /**
   * Made by the client.
   *
   * @param reason what happened, for people
   * @param kind what went wrong
   * @param endpoint who was asked last
   * @param attempts how often the request was sent
   * @param requestId under which id the servers know it
   * @param outcomeUnknown whether it is a write that may have happened all the same
   * @param cause what lies behind it, if anything
   */
  public TransportException(
      String reason,
      Kind kind,
      String endpoint,
      int attempts,
      String requestId,
      boolean outcomeUnknown,
      @Nullable Throwable cause) {
    super(reason, attempts, requestId, outcomeUnknown, cause);
    this.kind = kind;
    this.endpoint = endpoint;
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
   * Who was asked last.
   *
   * @return the node's URL
   */
  public String endpoint() {
    return endpoint;
  }
}
