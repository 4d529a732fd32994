package dev.themisdb.client.core;

import dev.themisdb.client.errors.ConfigurationException;
import java.time.Duration;
import java.util.regex.Pattern;

/** Options and arguments, checked where they enter. All throw ConfigurationException. */
public final class Checks {

  private static final Duration TIMEOUT_MAX = Duration.ofDays(1);
  private static final Duration LAG_MAX = Duration.ofHours(1);
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}");
  private static final Pattern VISIBLE = Pattern.compile("[!-~]+");
  private static final Pattern PRINTABLE = Pattern.compile("[ -~]+");
  private static final int KEY_CHARS_MAX = 255;

  private Checks() {}

  /**
   * A name of a namespace, a collection, a node, a shard, ...
   *
   * @param name the name
   * @param what of what
   * @return it, unchanged
   */
  public static String name(String name, String what) {
    if (!NAME.matcher(name).matches()) {
      throw new ConfigurationException(
          "'"
              + name
              + "' is no "
              + what
              + ": 1 to 63 letters, digits, _ . and -, the first not one of . and -");
    }
    return name;
  }

  /**
   * A time limit.
   *
   * @param timeout the limit
   * @return it, unchanged
   */
  public static Duration timeout(Duration timeout) {
    if (timeout.isNegative() || timeout.isZero() || timeout.compareTo(TIMEOUT_MAX) > 0) {
      throw new ConfigurationException(
          "a timeout is more than 0 and at most 86400 seconds, not " + timeout);
    }
    return timeout;
  }

  /**
   * How far behind an answer may be.
   *
   * @param lag the bound
   * @return it, unchanged
   */
  public static Duration lag(Duration lag) {
    if (lag.isNegative() || lag.compareTo(LAG_MAX) > 0) {
      throw new ConfigurationException("max_lag is 0 to 3600000 milliseconds, not " + lag);
    }
    return lag;
  }

  /**
   * A duration that must not be zero.
   *
   * @param duration the duration
   * @param what its name
   * @return it, unchanged
   */
  public static Duration positive(Duration duration, String what) {
    if (duration.isNegative() || duration.isZero()) {
      throw new ConfigurationException(what + " is positive");
    }
    return duration;
  }

  /**
   * A bearer token. The error does not repeat it.
   *
   * @param token the token
   * @return it, unchanged
   */
  public static String token(String token) {
    if (!VISIBLE.matcher(token).matches()) {
      throw new ConfigurationException("a token is one or more visible ASCII characters");
    }
    return token;
  }

  /**
   * What goes into a header.
   *
   * @param value the value
   * @param what its name
   * @return it, unchanged
   */
  public static String headerValue(String value, String what) {
    if (!PRINTABLE.matcher(value).matches()) {
      throw new ConfigurationException(what + " is printable ASCII");
    }
    return value;
  }

  /**
   * An idempotency key.
   *
   * @param key the key
   * @return it, unchanged
   */
  public static String idempotencyKey(String key) {
    if (key.length() > KEY_CHARS_MAX || !VISIBLE.matcher(key).matches()) {
      throw new ConfigurationException("an idempotency key is 1 to 255 visible ASCII characters");
    }
    return key;
  }
}
