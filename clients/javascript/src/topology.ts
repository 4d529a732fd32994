/**
 * What the cluster looks like, as a client needs it: who owns a hash, and where that is.
 *
 * `TopologyView` is one epoch's picture, immutable and ready to be asked; the router holds the newest one and replaces it
 * as a whole. Who leads is only a claim here: leaders move without a new epoch, and `leaders` decides whose claim is the
 * later one.
 */

import type { Node, Shard, Topology } from "./_generated/models.js";
import type { Claim } from "./leaders.js";
import { TokenTable } from "./placement.js";
import { Endpoint } from "./transport/message.js";
import type { Hash64 } from "./xxh64.js";

/** Where a node is, and how it is. */
export interface NodePlace {
  readonly endpoint: Endpoint;
  readonly datacenter: string;
  readonly rack: string;
  /** Whether the cluster has not heard of it. */
  readonly isDown: boolean;
  /** Whether it serves, but something is wrong with it. */
  readonly isDegraded: boolean;
}

/** The nodes of one shard. */
export interface ShardPlaces {
  /** Who is said to lead it. */
  readonly claim: Claim;
  /** All that have a replica. */
  readonly replicas: readonly NodePlace[];
  /** Those of them that vote. */
  readonly voters: readonly NodePlace[];
}

/** One epoch of the topology, indexed. */
export class TopologyView {
  /** Its number. */
  readonly epoch: number;
  /** The entity tag under which it was answered. */
  readonly etag: string | undefined;
  /** All nodes. */
  readonly nodes: readonly NodePlace[];
  /** All shards, by id. */
  readonly shards: ReadonlyMap<string, ShardPlaces>;
  readonly #byId: ReadonlyMap<string, NodePlace>;
  readonly #table: TokenTable;

  /** @throws RangeError when it makes no sense. */
  constructor(topology: Topology, etag?: string) {
    this.epoch = topology.epoch;
    this.etag = etag;
    this.#byId = new Map(topology.nodes.map((node) => [node.node_id, placeOf(node)]));
    this.nodes = [...this.#byId.values()];
    this.#table = TokenTable.fromWire(topology.tokens);
    this.shards = new Map(topology.shards.map((shard) => [shard.shard_id, this.#placesOf(shard)]));
    const strangers = this.#table.shardIds().filter((shardId) => !this.shards.has(shardId));
    if (strangers.length > 0) {
      throw new RangeError(`the token table names shards that are not listed: ${strangers.slice(0, 3).join(", ")}`);
    }
  }

  /** The shard that owns a hash. */
  shardOf(hash: Hash64): string {
    return this.#table.shardForHalves(hash);
  }

  /** Where a node is reached; null for a stranger. */
  endpointOf(nodeId: string): Endpoint | null {
    return this.#byId.get(nodeId)?.endpoint ?? null;
  }

  #placesOf(shard: Shard): ShardPlaces {
    const known = shard.replicas.flatMap(({ node_id, role }) => {
      const place = this.#byId.get(node_id);
      return place === undefined ? [] : [{ place, role }];
    });
    const replicas = known.map(({ place }) => place);
    return {
      claim: {
        shardId: shard.shard_id,
        leader: shard.leader === null ? null : this.endpointOf(shard.leader),
        term: shard.leader_term ?? 0,
        replicas: replicas.map(({ endpoint }) => endpoint),
      },
      replicas,
      voters: known.filter(({ role }) => role !== "learner").map(({ place }) => place),
    };
  }
}

function placeOf({ endpoint, datacenter, rack, state, health }: Node): NodePlace {
  return {
    endpoint: Endpoint.parse(endpoint),
    datacenter,
    rack,
    isDown: health === "down" || state === "down",
    isDegraded: health === "degraded",
  };
}
