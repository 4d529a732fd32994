/**
 * When a call is tried again, and after how long.
 *
 * Pure decisions: the clock and the random source are handed in. Three limits hold at once: the number of retries, the
 * call's total deadline, and the *retry budget*, which all calls of a client share so that retries cannot multiply the
 * load of a cluster that is in trouble.
 *
 * Waits are drawn with full jitter (uniform between 0 and an exponentially growing cap): many clients that failed
 * together then do not return together. See "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */

import { ConfigurationError } from "./errors.js";

/** How often and how patiently one call is tried again. */
export interface RetryOptions {
  /** Retries after the first attempt; 3 by default. Following a 421 to the owner is not one. */
  readonly retriesMax?: number;
  /** The first wait is drawn between 0 and this many milliseconds; 50 by default. */
  readonly backoffBaseMs?: number;
  /** No drawn wait is longer; 2000 by default. */
  readonly backoffMaxMs?: number;
  /**
   * One attempt may take this long (or what is left of the deadline), so that a node that hangs does not use up the whole
   * call; 10,000 by default.
   */
  readonly attemptTimeoutMs?: number;
}

/** The retry policy of a client, checked. */
export class RetryPolicy {
  /** Retries after the first attempt. */
  readonly retriesMax: number;
  /** The cap of the first wait in milliseconds. */
  readonly backoffBaseMs: number;
  /** The cap of all waits in milliseconds. */
  readonly backoffMaxMs: number;
  /** The limit of one attempt in milliseconds. */
  readonly attemptTimeoutMs: number;

  /**
   * A policy from some options, the others as by default.
   *
   * @throws ConfigurationError for what cannot work.
   */
  constructor(options: RetryOptions = {}) {
    const { retriesMax = 3, backoffBaseMs = 50, backoffMaxMs = 2000, attemptTimeoutMs = 10_000 } = options;
    if (!Number.isSafeInteger(retriesMax) || retriesMax < 0) {
      throw new ConfigurationError("the number of retries is a whole number, 0 or more");
    }
    const waits = [backoffBaseMs, backoffMaxMs];
    if (!waits.every((ms) => Number.isFinite(ms) && ms >= 0)) {
      throw new ConfigurationError("backoffBaseMs and backoffMaxMs are numbers of milliseconds, 0 or more");
    }
    if (typeof attemptTimeoutMs !== "number" || !(attemptTimeoutMs > 0)) {
      throw new ConfigurationError("attemptTimeoutMs is a number of milliseconds, more than 0");
    }
    this.retriesMax = retriesMax;
    this.backoffBaseMs = backoffBaseMs;
    this.backoffMaxMs = backoffMaxMs;
    this.attemptTimeoutMs = attemptTimeoutMs;
  }

  /**
   * The wait before a retry, in milliseconds.
   *
   * @param retry Its number, from 1.
   * @param retryAfterMs What the server asked for: the wait is never shorter.
   * @param uniform Draws from 0 (included) to 1 (excluded).
   */
  waitMs(retry: number, retryAfterMs: number | null, uniform: () => number): number {
    // 2 ** retry would be Infinity for a generous retriesMax; 32 doublings reach any cap.
    const cap = Math.min(this.backoffMaxMs, this.backoffBaseMs * 2 ** Math.min(retry - 1, 32));
    const drawn = uniform() * cap;
    return retryAfterMs === null ? drawn : Math.max(drawn, retryAfterMs);
  }
}

/** What a retry budget is made from. */
export interface RetryBudgetOptions {
  /** How much of a token each call earns; 0.2 by default. */
  readonly ratio?: number;
  /** How many tokens are saved at most, and there at the beginning; 20 by default. */
  readonly reserve?: number;
}

/**
 * Tokens that retries consume and calls earn.
 *
 * Every call earns `ratio` of a token, every retry costs one, and at most `reserve` are saved. With the defaults a
 * client may retry freely while failures are rare, and about one call in five while they are not. Clients may share one.
 */
export class RetryBudget {
  /** How much of a token each call earns. */
  readonly ratio: number;
  /** How many tokens are saved at most. */
  readonly reserve: number;
  #tokens: number;

  /**
   * A budget with its reserve full.
   *
   * @throws ConfigurationError for negative parts.
   */
  constructor(options: RetryBudgetOptions = {}) {
    const { ratio = 0.2, reserve = 20 } = options;
    if (![ratio, reserve].every((part) => typeof part === "number" && part >= 0)) {
      throw new ConfigurationError("the parts of a retry budget are numbers, 0 or more");
    }
    this.ratio = ratio;
    this.reserve = reserve;
    this.#tokens = reserve;
  }

  /** What is saved. */
  get tokens(): number {
    return this.#tokens;
  }

  /** A call begins. */
  earn(): void {
    if (this.#tokens < this.reserve) {
      this.#tokens = Math.min(this.reserve, this.#tokens + this.ratio);
    }
  }

  /** A retry wants to begin; false when there is nothing left to pay it with. */
  spend(): boolean {
    if (this.#tokens < 1) {
      return false;
    }
    this.#tokens -= 1;
    return true;
  }
}

const SECONDS = /^(?:\d+\.?\d*|\.\d+)$/;
// The three forms of RFC 9110, 5.6.7, all of which begin with a day's name. Date.parse by itself takes "-1" for a year.
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/;

/**
 * Milliseconds to wait from a Retry-After header (RFC 9110, 10.2.3): seconds, or a date.
 *
 * @param value The header's value.
 * @param nowMs The wall clock, in milliseconds since 1970.
 * @returns null when there is no header, or no sense in it.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | null {
  const text = value?.trim() ?? "";
  if (SECONDS.test(text)) {
    return Number(text) * 1000;
  }
  if (!DATE.test(text)) {
    return null;
  }
  const moment = Date.parse(/(?:GMT|[+-]\d{4})$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(moment) ? null : Math.max(0, moment - nowMs);
}
