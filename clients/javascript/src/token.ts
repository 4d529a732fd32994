/**
 * The bearer token of a client: a text, or what a callback returned last.
 *
 * Private fields all the way: `console.log(client)` shows none of them.
 */

import { checkToken, type Token } from "./options.js";

/** Where a client's token comes from. */
export class TokenSource {
  readonly #fetch: (() => string | Promise<string>) | null;
  #current: string | null;
  #fetching: Promise<string> | null = null;
  #askedAt = 0;
  readonly #patienceMs: number;

  /**
   * @param token What the user gave.
   * @param patienceMs A callback that takes longer is asked again by the next call: it may never answer.
   * @throws ConfigurationError for a text that is no token.
   */
  constructor(token: Token | undefined, patienceMs = Infinity) {
    this.#patienceMs = patienceMs;
    this.#fetch = typeof token === "function" ? token : null;
    this.#current = token === undefined || typeof token === "function" ? null : checkToken(token);
  }

  /** The token at hand; null if there is none (yet). */
  get current(): string | null {
    return this.#current;
  }

  /** Whether a callback can be asked for another one. */
  get isFetched(): boolean {
    return this.#fetch !== null;
  }

  /**
   * Ask the callback for a token; concurrent askers share one answer.
   *
   * @param stale The token that was refused, null at first.
   */
  async fetch(stale: string | null): Promise<string> {
    if (this.#current !== null && this.#current !== stale) {
      // Another call has fetched a new one meanwhile.
      return this.#current;
    }
    const now = performance.now();
    if (this.#fetching !== null && now - this.#askedAt < this.#patienceMs) {
      return this.#fetching;
    }
    this.#askedAt = now;
    const fetching = this.#ask().finally(() => {
      if (this.#fetching === fetching) {
        this.#fetching = null;
      }
    });
    this.#fetching = fetching;
    return fetching;
  }

  async #ask(): Promise<string> {
    // Set here: whoever asks between this one's end and its waiters' turn must find it.
    this.#current = checkToken(await this.#fetch?.());
    return this.#current;
  }
}
