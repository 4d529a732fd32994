/**
 * Loads the topology, and keeps it fresh in the background.
 *
 * Three occasions: a call finds that there is none (it waits, with all others, for one load), a timer fires (drawn around
 * the interval, so that clients which started together do not refresh together), or something was seen that makes the
 * topology doubtful: a newer epoch, a 421, a node that does not answer (once a second at most). Nothing runs in between,
 * and no timer keeps a process alive.
 */

import type { Topology } from "./_generated/models.js";
import { OPERATIONS } from "./_generated/operations.js";
import type { Core } from "./core.js";
import { said, warn } from "./hooks.js";
import { newId } from "./ids.js";
import { decodeJson, decodeUtf8 } from "./json.js";
import { isTopology } from "./shapes.js";
import { TopologyView } from "./topology.js";
import { TransportFailure, TransportRequest, type TransportResponse } from "./transport/message.js";
import { backgroundTimer, LATE, within } from "./wait.js";

const REFRESH_TIMEOUT_MS = 5000;
const REFRESH_PAUSE_MS = 1000;
const ATTEMPT_LEAST_MS = 500;

/** The topology's loads and refreshes of one client. */
export class TopologyKeeper {
  readonly #core: Core;
  readonly #closing = new AbortController();
  #loading: Promise<void> | null = null;
  #refreshing: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refreshedAt = -REFRESH_PAUSE_MS;

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * See to it that a load has been tried; concurrent ones are one. A caller that gives up does not stop it.
   *
   * @param timeoutMs How long to wait.
   * @param signal Ends the waiting.
   */
  async load(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (timeoutMs <= 0) {
      return;
    }
    this.#loading ??= this.#load(timeoutMs).finally(() => {
      this.#loading = null;
    });
    await within(this.#loading, timeoutMs, signal);
  }

  /** Something was seen that makes the topology doubtful. */
  refreshWanted(): void {
    const { router, world } = this.#core;
    if (this.#isClosed || router.view === null || this.#refreshing !== null) {
      return;
    }
    const due = this.#refreshedAt + REFRESH_PAUSE_MS * (0.5 + world.uniform() / 2);
    const early = due - world.clock();
    if (early <= 0) {
      this.#refreshNow();
    } else {
      this.#setTimer(early);
    }
  }

  /** Stop. */
  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #load(timeoutMs: number): Promise<void> {
    try {
      await this.#askAround(timeoutMs);
    } catch (error) {
      // The user's token callback, or their transport: the request itself will meet it and reject with it.
      this.#core.router.loadFailed();
      this.#report("the topology could not be loaded", error);
    }
    this.#schedule();
  }

  #schedule(): void {
    const { options, router, world } = this.#core;
    if (!this.#isClosed && router.view !== null) {
      this.#setTimer(options.refreshIntervalMs * (0.75 + world.uniform() / 2));
    }
  }

  #setTimer(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = backgroundTimer(() => {
      this.#refreshNow();
    }, ms);
  }

  #refreshNow(): void {
    if (!this.#isClosed && this.#refreshing === null) {
      this.#refreshing = this.#refresh().finally(() => {
        this.#refreshing = null;
      });
    }
  }

  async #refresh(): Promise<void> {
    this.#refreshedAt = this.#core.world.clock();
    try {
      await this.#askAround(REFRESH_TIMEOUT_MS);
    } catch (error) {
      // The user's token callback, or their transport: the next call will meet it and reject with it.
      this.#report("the topology could not be refreshed", error);
    }
    this.#schedule();
  }

  #report(what: string, error: unknown): void {
    if (!this.#isClosed) {
      warn(`${what}: ${said(error)}`);
    }
  }

  /**
   * Ask one node after another, in random order, until one answers. Without a topology, requests go to any node and are
   * forwarded: that none answers is no error.
   */
  async #askAround(timeoutMs: number): Promise<void> {
    const { router, world } = this.#core;
    const deadline = world.clock() + timeoutMs;
    const order = router.refreshOrder();
    for (const [place, endpoint] of order.entries()) {
      const headers = await this.#headers(deadline);
      // A node that hangs must leave time to ask the others.
      const left = deadline - world.clock();
      const share = Math.min(left / (order.length - place), timeoutMs / 2);
      const allowed = Math.min(left, Math.max(share, ATTEMPT_LEAST_MS));
      if (headers === null || allowed <= 0) {
        break;
      }
      const { method, path } = OPERATIONS.getTopology;
      const request = new TransportRequest(method, endpoint, path, headers, "");
      let response: TransportResponse;
      try {
        const { signal } = this.#closing;
        response = await this.#core.transport.send(request, { timeoutMs: allowed, signal, background: true });
      } catch (failure) {
        if (!TransportFailure.is(failure)) {
          throw failure;
        }
        if (!failure.reused) {
          router.failed(endpoint);
        }
        continue;
      }
      router.answered(endpoint);
      if (this.#take(response, endpoint.url) && !router.stale) {
        return;
      }
    }
    if (router.view === null) {
      router.loadFailed();
    }
  }

  /** Headers of a request for the topology; null if the token did not come in time. */
  async #headers(deadline: number): Promise<Record<string, string> | null> {
    const { headers, router, tokens, world } = this.#core;
    const all: Record<string, string> = { ...headers, "X-Request-Id": newId() };
    if (tokens.isFetched && tokens.current === null) {
      const left = deadline - world.clock();
      if ((await within(tokens.fetch(null), left, this.#closing.signal)) === LATE) {
        return null;
      }
    }
    if (tokens.current !== null) {
      all["Authorization"] = `Bearer ${tokens.current}`;
    }
    if (router.view?.etag !== undefined) {
      all["If-None-Match"] = router.view.etag;
    }
    return all;
  }

  /** Learn from an answer; false if there was nothing to learn. */
  #take(response: TransportResponse, url: string): boolean {
    if (response.status === 304) {
      return true;
    }
    if (response.status !== 200) {
      return false;
    }
    let view: TopologyView;
    try {
      view = readTopology(response);
    } catch {
      warn(`the topology of ${url} makes no sense`);
      return false;
    }
    this.#core.router.install(view);
    this.#core.router.sawEpoch(view.epoch);
    return true;
  }
}

function readTopology(response: TransportResponse): TopologyView {
  const topology = decodeJson(decodeUtf8(response.body));
  if (!isTopology(topology)) {
    throw new RangeError("not a topology");
  }
  return new TopologyView(topology satisfies Topology, response.headers["etag"]);
}
