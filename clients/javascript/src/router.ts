/**
 * Which node to ask: the newest topology, and which endpoints are out.
 *
 * State and decisions only; whoever does the I/O tells the router what happened. Any node takes any request and forwards
 * it at most once, so a wrong choice costs a hop, never an answer: the router prefers the leader of the shard (or, for
 * reads that may lag, any replica) and falls back to whatever is alive.
 *
 * An endpoint that failed is out for a while that doubles with each failure; then one request tries it again, and a
 * success brings it back. When all are out, the one whose time is nearest is used: better a refused connection than no
 * attempt.
 */

import type { TopologyView } from "./topology.js";
import type { Endpoint } from "./transport/message.js";
import type { Hash64 } from "./xxh64.js";

const OUT_FIRST_MS = 500;
const OUT_LONGEST_MS = 30_000;
const LOAD_AGAIN_MS = 1000;

interface Outage {
  until: number;
  readonly pauseMs: number;
}

/** What a choice is made by. */
export interface Choice {
  /** Of the key it is about; none when any node will do. */
  readonly hash?: Hash64 | undefined;
  /** Whether a replica that lags may answer. */
  readonly anyReplica?: boolean;
  /** Who has just failed to answer it; asked again only if nobody else is there. */
  readonly avoid?: Endpoint | undefined;
}

/** The routing state of one client. */
export class Router {
  readonly #seeds: readonly Endpoint[];
  readonly #clock: () => number;
  readonly #uniform: () => number;
  readonly #out = new Map<string, Outage>();
  #view: TopologyView | null = null;
  #epochSeen = -1;
  #loadAt: number;

  /**
   * @param seeds The endpoints the user named; always known, whatever the topology says.
   * @param clock Monotonic milliseconds.
   * @param uniform Draws from 0 (included) to 1 (excluded).
   */
  constructor(seeds: readonly Endpoint[], clock: () => number, uniform: () => number) {
    this.#seeds = distinct(seeds);
    this.#clock = clock;
    this.#uniform = uniform;
    this.#loadAt = clock();
  }

  // Topology

  /** The newest topology, null before the first was loaded. */
  get view(): TopologyView | null {
    return this.#view;
  }

  /** Whether a node has told of a newer epoch than we know. */
  get stale(): boolean {
    return this.#view !== null && this.#epochSeen > this.#view.epoch;
  }

  /** Whether there is none yet, and it is time to (re)try loading it. */
  get wantsTopology(): boolean {
    return this.#view === null && this.#clock() >= this.#loadAt;
  }

  /** Take a topology as the current one, unless its epoch is older; true if it was taken. */
  install(view: TopologyView): boolean {
    if (this.#view !== null && view.epoch < this.#view.epoch) {
      return false;
    }
    this.#view = view;
    return true;
  }

  /** Loading failed everywhere: requests go to the seeds, and loading waits a little. */
  loadFailed(): void {
    this.#loadAt = this.#clock() + LOAD_AGAIN_MS;
  }

  /** A node answered under this epoch; true when that is news and the topology ought to be refreshed. */
  sawEpoch(epoch: number): boolean {
    if (epoch <= this.#epochSeen) {
      return false;
    }
    this.#epochSeen = epoch;
    return this.#view !== null && epoch > this.#view.epoch;
  }

  // Endpoints

  /** An exchange with it brought no answer. */
  failed(endpoint: Endpoint): void {
    const outage = this.#out.get(endpoint.url);
    const pauseMs = outage === undefined ? OUT_FIRST_MS : Math.min(outage.pauseMs * 2, OUT_LONGEST_MS);
    // Half of it is drawn, so that clients do not come back in step.
    this.#out.set(endpoint.url, { until: this.#clock() + pauseMs * (0.5 + this.#uniform() / 2), pauseMs });
  }

  /** An exchange with it brought an answer, of whatever status. */
  answered(endpoint: Endpoint): void {
    if (this.#out.size > 0) {
      this.#out.delete(endpoint.url);
    }
  }

  /** Whether it is passed over at this moment. */
  isOut(endpoint: Endpoint): boolean {
    const outage = this.#out.get(endpoint.url);
    return outage !== undefined && outage.until > this.#clock();
  }

  /** All endpoints: those of the topology, and the seeds. */
  known(): Endpoint[] {
    return distinct([...(this.#view?.nodes ?? []), ...this.#seeds]);
  }

  /** The leader of a key's shard, as far as known. */
  leader(hash: Hash64): Endpoint | null {
    return this.#view?.leaderOf(hash) ?? null;
  }

  /** The endpoint for a request. */
  choose({ hash, anyReplica = false, avoid }: Choice = {}): Endpoint {
    const view = this.#view;
    if (view !== null && hash !== undefined) {
      const chosen = this.#chooseOwner(view, hash, anyReplica, avoid);
      if (chosen !== null) {
        return chosen;
      }
    }
    const node = view === null ? null : this.#draw(view.nodes, avoid);
    return node ?? this.#draw(this.#seeds, avoid) ?? this.#lastResort(avoid);
  }

  /** Whom to ask for the topology: everybody, in random order, those that are out last. */
  refreshOrder(): Endpoint[] {
    return this.known()
      .map((endpoint) => ({ endpoint, rank: (this.isOut(endpoint) ? 1 : 0) + this.#uniform() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ endpoint }) => endpoint);
  }

  #chooseOwner(view: TopologyView, hash: Hash64, anyReplica: boolean, avoid: Endpoint | undefined): Endpoint | null {
    if (anyReplica) {
      const chosen = this.#draw(view.replicasOf(hash), avoid);
      if (chosen !== null) {
        return chosen;
      }
    }
    const leader = view.leaderOf(hash);
    if (leader !== null && leader.url !== avoid?.url && (this.#out.size === 0 || this.#usable(leader))) {
      return leader;
    }
    return this.#draw(view.replicasOf(hash), avoid);
  }

  #draw(candidates: readonly Endpoint[], avoid: Endpoint | undefined): Endpoint | null {
    if (this.#out.size === 0 && avoid === undefined) {
      return candidates.length < 2 ? (candidates[0] ?? null) : this.#oneOf(candidates);
    }
    const usable = candidates.filter((endpoint) => endpoint.url !== avoid?.url && !this.isOut(endpoint));
    if (usable.length === 0) {
      return null;
    }
    const chosen = this.#oneOf(usable);
    return this.#usable(chosen) ? chosen : null;
  }

  #oneOf(candidates: readonly Endpoint[]): Endpoint {
    return candidates[Math.floor(this.#uniform() * candidates.length)] as Endpoint;
  }

  /** Whether to send to it now; the first to ask after an outage's end becomes its one probe. */
  #usable(endpoint: Endpoint): boolean {
    const outage = this.#out.get(endpoint.url);
    if (outage === undefined) {
      return true;
    }
    const now = this.#clock();
    if (outage.until > now) {
      return false;
    }
    outage.until = now + outage.pauseMs;
    return true;
  }

  #lastResort(avoid: Endpoint | undefined): Endpoint {
    const known = this.known();
    const others = known.filter((endpoint) => endpoint.url !== avoid?.url);
    const candidates = others.length > 0 ? others : known;
    const until = (endpoint: Endpoint): number => this.#out.get(endpoint.url)?.until ?? 0;
    return candidates.reduce((best, endpoint) => (until(endpoint) < until(best) ? endpoint : best));
  }
}

function distinct(endpoints: readonly Endpoint[]): Endpoint[] {
  return [...new Map(endpoints.map((endpoint) => [endpoint.url, endpoint])).values()];
}
