/**
 * Which nodes are near: those of one's own rack, then of one's own datacenter, then all others.
 *
 * Candidates are sorted into *tiers* once, when a topology is taken: the nodes of a tier are as good as each other, and
 * any of an earlier tier is better. Nodes that are down are kept apart, for when nobody else is there.
 */

import type { NodePlace } from "./topology.js";
import type { Endpoint } from "./transport/message.js";

/** Nodes that are as good as each other, group after group, the best first. */
export type Tier = readonly Endpoint[];

/** Candidates for a request. */
export interface Tiers {
  /** Those that serve. */
  readonly up: readonly Tier[];
  /** Those that the cluster has not heard of. */
  readonly down: readonly Tier[];
}

// Health weighs less than distance: a degraded node still serves.
const RANKS = [0, 1, 2, 3, 4, 5];

/** Where the client is, and so who is near. */
export class Nearness {
  readonly #datacenter: string | undefined;
  readonly #rack: string | undefined;

  /**
   * @param datacenter Ours; without it, all nodes are equally near.
   * @param rack Ours within it; without it, all nodes of the datacenter are.
   */
  constructor(datacenter?: string, rack?: string) {
    this.#datacenter = datacenter;
    this.#rack = rack;
  }

  /** Sort candidates: by distance, and of equally near ones the healthy before the degraded. */
  tiers(places: readonly NodePlace[]): Tiers {
    return {
      up: this.#sorted(places.filter((place) => !place.isDown)),
      down: this.#sorted(places.filter((place) => place.isDown)),
    };
  }

  #sorted(places: readonly NodePlace[]): Tier[] {
    return RANKS.map((rank) =>
      places.filter((place) => this.#rank(place) === rank).map(({ endpoint }) => endpoint),
    ).filter((tier) => tier.length > 0);
  }

  #rank(place: NodePlace): number {
    return this.#distance(place) * 2 + (place.isDegraded ? 1 : 0);
  }

  #distance({ datacenter, rack }: NodePlace): number {
    if (this.#datacenter === undefined) {
      return 0;
    }
    if (datacenter !== this.#datacenter) {
      return 2;
    }
    return this.#rack === undefined || rack === this.#rack ? 0 : 1;
  }
}
