package dev.themisdb.client;

import dev.themisdb.client.errors.ConfigurationException;

/**
 * Tokens that retries consume and calls earn, so that retries cannot multiply the load of a cluster
 * that is in trouble.
 *
 * <p>Every call earns {@code ratio} of a token, every retry costs one, and at most {@code reserve}
 * are saved. By default a client may retry freely while failures are rare, and about one call in
 * five while they are not. Safe to share between clients and threads.
 */
public final class RetryBudget {

  private final double ratio;
  private final double reserve;
  private volatile double tokens;

  /** Makes the default budget: a fifth of a token a call, 20 saved. */
  public RetryBudget() {
    this(0.2, 20);
  }

  /**
   * Makes a budget.
   *
   * @param ratio what a call earns
   * @param reserve how much may be saved; so much is there at first
   * @throws ConfigurationException when one is negative
   */
  public RetryBudget(double ratio, double reserve) {
    if (!(ratio >= 0 && reserve >= 0)) {
      throw new ConfigurationException("a retry budget has no negative parts");
    }
    this.ratio = ratio;
    this.reserve = reserve;
    this.tokens = reserve;
  }

  /** A call begins. */
  public void earn() {
    // Unlocked on purpose while full: that is nearly always, and an outdated look costs a fifth of
    // a token.
    if (tokens < reserve) {
      synchronized (this) {
        tokens = Math.min(reserve, tokens + ratio);
      }
    }
  }

  /**
   * A retry wants to begin.
   *
   * @return false when there is nothing left to pay it with
   */
  public synchronized boolean spend() {
    if (tokens < 1) {
      return false;
    }
    tokens -= 1;
    return true;
  }

  /**
   * What is saved.
   *
   * @return the tokens
   */
  public double tokens() {
    return tokens;
  }
}
