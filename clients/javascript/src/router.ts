/**
 * Which node to ask: the newest topology, who leads, who is near, and which endpoints are out.
 *
 * State and decisions only; whoever does the I/O tells the router what happened. Any node takes any request and forwards
 * it at most once, so a wrong choice costs a hop, never an answer: the router prefers the leader of the shard (or, for
 * reads that may lag, the nearest replicas) and falls back to whatever is alive.
 *
 * ```text
 * a key, a read that may lag    nearest replicas ─┐
 * a key, anything else ──────────────────────────┴▶ leader ▶ voters ▶ replicas, also those that are down ─┐
 * no key ────────────────────────────────────────────────────────────────────────────────────────────────┴▶ nodes ▶ seeds
 * ```
 *
 * An endpoint that failed is out for a while that doubles with each failure; then one request tries it again, and a
 * success brings it back. When all are out, the one whose time is nearest is used: better a refused connection than no
 * attempt. Being *down* is what the cluster says of a node: such a node is asked when nobody else of its kind is there.
 */

import { Leaders } from "./leaders.js";
import { Nearness, type Tier, type Tiers } from "./nearness.js";
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

/** Where the requests about one shard may go. */
interface Routes {
  /** All replicas. */
  readonly near: Tiers;
  /** Those that vote and are not down. */
  readonly voters: Tier;
}

/** A topology with everything that is chosen from, replaced as a whole. */
interface Chart {
  readonly view: TopologyView;
  readonly nodes: Tiers;
  readonly shards: ReadonlyMap<string, Routes>;
  /** The URLs of the nodes that are down. */
  readonly down: ReadonlySet<string>;
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
  readonly #nearness: Nearness;
  readonly #out = new Map<string, Outage>();
  readonly #leaders = new Leaders();
  #chart: Chart | null = null;
  #epochSeen = -1;
  #loadAt: number;

  /**
   * @param seeds The endpoints the user named; always known, whatever the topology says.
   * @param clock Monotonic milliseconds.
   * @param uniform Draws from 0 (included) to 1 (excluded).
   * @param nearness Where the client is.
   */
  constructor(seeds: readonly Endpoint[], clock: () => number, uniform: () => number, nearness = new Nearness()) {
    this.#seeds = distinct(seeds);
    this.#clock = clock;
    this.#uniform = uniform;
    this.#nearness = nearness;
    this.#loadAt = clock();
  }

  // Topology

  /** The newest topology, null before the first was loaded. */
  get view(): TopologyView | null {
    return this.#chart?.view ?? null;
  }

  /** Whether a node has told of a newer epoch than we know. */
  get stale(): boolean {
    return this.#chart !== null && this.#epochSeen > this.#chart.view.epoch;
  }

  /** Whether there is none yet, and it is time to (re)try loading it. */
  get wantsTopology(): boolean {
    return this.#chart === null && this.#clock() >= this.#loadAt;
  }

  /** Whether there is a topology of more than one node. */
  get isCluster(): boolean {
    return this.#chart !== null && this.#chart.view.nodes.length > 1;
  }

  /**
   * Take a topology as the current one, unless its epoch is older; true if it was taken. Of leaders that differ, the one
   * with the greater term stays, whichever topology is newer.
   */
  install(view: TopologyView): boolean {
    if (this.#chart !== null && view.epoch < this.#chart.view.epoch) {
      return false;
    }
    this.#leaders.take([...view.shards.values()].map(({ claim }) => claim));
    this.#chart = this.#charted(view);
    return true;
  }

  /** A node has answered as the leader of a key's shard; true when that is news. */
  hint(hash: Hash64, nodeId: string): boolean {
    const view = this.view;
    const endpoint = view?.endpointOf(nodeId) ?? null;
    return view !== null && endpoint !== null && this.#leaders.hint(view.shardOf(hash), endpoint);
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
    return this.#chart !== null && epoch > this.#chart.view.epoch;
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
    return distinct([...(this.#chart?.view.nodes ?? []).map(({ endpoint }) => endpoint), ...this.#seeds]);
  }

  /** The shard of a key, if there is a topology and nobody has told of a newer one; null otherwise. */
  shardOf(hash: Hash64): string | null {
    return this.#chart === null || this.stale ? null : this.#chart.view.shardOf(hash);
  }

  /** The node that leads a shard, as far as known. */
  leaderOf(shardId: string): Endpoint | null {
    return this.#leaders.of(shardId);
  }

  /** The replicas of a shard that a read may best go to, all equally good; none where none is known. */
  nearest(shardId: string): Tier {
    for (const tier of this.#chart?.shards.get(shardId)?.near.up ?? []) {
      const usable = tier.filter((endpoint) => !this.isOut(endpoint));
      if (usable.length > 0) {
        return usable;
      }
    }
    return [];
  }

  /** Whether there is an endpoint beside these (URLs) that is not out. */
  hasAnother(asked: ReadonlySet<string>): boolean {
    return this.known().some((endpoint) => !asked.has(endpoint.url) && !this.isOut(endpoint));
  }

  /** The endpoint for a request. */
  choose({ hash, anyReplica = false, avoid }: Choice = {}): Endpoint {
    const chart = this.#chart;
    if (chart !== null) {
      const chosen =
        (hash === undefined ? null : this.#chooseForShard(chart, chart.view.shardOf(hash), anyReplica, avoid)) ??
        this.#drawTiers(chart.nodes.up, avoid) ??
        this.#drawTiers(chart.nodes.down, avoid);
      if (chosen !== null) {
        return chosen;
      }
    }
    return this.#draw(this.#seeds, avoid) ?? this.#lastResort(avoid);
  }

  /** Whom to ask for the topology: everybody, in random order, those that are out last. */
  refreshOrder(): Endpoint[] {
    return this.known()
      .map((endpoint) => ({ endpoint, rank: (this.isOut(endpoint) ? 1 : 0) + this.#uniform() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ endpoint }) => endpoint);
  }

  #charted(view: TopologyView): Chart {
    const shards = [...view.shards].map(([shardId, { replicas, voters }]): [string, Routes] => {
      const serving = voters.filter(({ isDown }) => !isDown).map(({ endpoint }) => endpoint);
      return [shardId, { near: this.#nearness.tiers(replicas), voters: serving }];
    });
    const down = view.nodes.filter(({ isDown }) => isDown).map(({ endpoint }) => endpoint.url);
    return { view, nodes: this.#nearness.tiers(view.nodes), shards: new Map(shards), down: new Set(down) };
  }

  #chooseForShard(chart: Chart, shardId: string, anyReplica: boolean, avoid: Endpoint | undefined): Endpoint | null {
    const { near, voters } = chart.shards.get(shardId) as Routes;
    if (anyReplica) {
      const chosen = this.#drawTiers(near.up, avoid);
      if (chosen !== null) {
        return chosen;
      }
    }
    const known = this.#leaders.of(shardId);
    const leader = known !== null && known.url === avoid?.url ? null : known;
    const isDown = leader !== null && chart.down.size > 0 && chart.down.has(leader.url);
    if (leader !== null && !isDown && (this.#out.size === 0 || this.#usable(leader))) {
      return leader;
    }
    const voter = this.#draw(voters, avoid);
    if (voter !== null) {
      return voter;
    }
    return leader !== null && isDown && this.#usable(leader)
      ? leader
      : (this.#drawTiers(near.up, avoid) ?? this.#drawTiers(near.down, avoid));
  }

  #drawTiers(tiers: readonly Tier[], avoid: Endpoint | undefined): Endpoint | null {
    for (const tier of tiers) {
      const chosen = this.#draw(tier, avoid);
      if (chosen !== null) {
        return chosen;
      }
    }
    return null;
  }

  #draw(candidates: Tier, avoid: Endpoint | undefined): Endpoint | null {
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

  #oneOf(candidates: Tier): Endpoint {
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
