package dev.themisdb.client;

import dev.themisdb.client.errors.ConfigurationException;
import java.time.Duration;

/**
 * How often and how patiently one call is tried again.
 *
 * <p>Waits are drawn with full jitter (uniform between 0 and an exponentially growing cap): many
 * clients that failed together then do not return together. See "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015.
 *
 * @param retriesMax retries after the first attempt; following a 421 to the owner is not one
 * @param backoffBase the first wait is drawn between 0 and this
 * @param backoffMax no drawn wait is longer
 * @param attemptTimeout one attempt may take this long (or what is left of the deadline), so that a
 *     node that hangs does not use up the whole call
 */
public record RetryPolicy(
    int retriesMax, Duration backoffBase, Duration backoffMax, Duration attemptTimeout) {

  /** Three retries, waits up to 50 ms and then doubling up to 2 s, 10 s an attempt. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(3, Duration.ofMillis(50), Duration.ofSeconds(2), Duration.ofSeconds(10));

  /**
   * Checks the parts.
   *
   * @param retriesMax retries after the first attempt
   * @param backoffBase the first wait is drawn between 0 and this
   * @param backoffMax no drawn wait is longer
   * @param attemptTimeout one attempt may take this long
   * @throws ConfigurationException when they cannot work
   */
  public RetryPolicy {
    if (retriesMax < 0) {
      throw new ConfigurationException("max_retries is 0 or more");
    }
    if (backoffBase.isNegative() || backoffMax.isNegative()) {
      throw new ConfigurationException("a backoff is 0 or more");
    }
    if (attemptTimeout.isNegative() || attemptTimeout.isZero()) {
      throw new ConfigurationException("attempt_timeout is positive");
    }
  }

  /**
   * The same with another number of retries.
   *
   * @param retries after the first attempt
   * @return a new policy
   */
  public RetryPolicy withRetriesMax(int retries) {
    return new RetryPolicy(retries, backoffBase, backoffMax, attemptTimeout);
  }

  /**
   * The same with other waits.
   *
   * @param base the first wait is drawn between 0 and this
   * @param max no drawn wait is longer
   * @return a new policy
   */
  public RetryPolicy withBackoff(Duration base, Duration max) {
    return new RetryPolicy(retriesMax, base, max, attemptTimeout);
  }

  /**
   * The same with another limit for an attempt.
   *
   * @param timeout for one attempt
   * @return a new policy
   */
  public RetryPolicy withAttemptTimeout(Duration timeout) {
    return new RetryPolicy(retriesMax, backoffBase, backoffMax, timeout);
  }
}
