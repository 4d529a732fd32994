/**
 * What the cluster looks like, as a client needs it: who owns a hash, and where that is.
 *
 * `TopologyView` is one epoch's picture, immutable and ready to be asked; the router holds the newest one and replaces it
 * as a whole.
 */

import type { Topology } from "./_generated/models.js";
import { TokenTable } from "./placement.js";
import { Endpoint } from "./transport/message.js";
import type { Hash64 } from "./xxh64.js";

interface ShardPlaces {
  readonly leader: Endpoint | null;
  readonly replicas: readonly Endpoint[];
}

/** One epoch of the topology, indexed. */
export class TopologyView {
  /** Its number. */
  readonly epoch: number;
  /** The entity tag under which it was answered. */
  readonly etag: string | undefined;
  /** All nodes. */
  readonly nodes: readonly Endpoint[];
  readonly #table: TokenTable;
  readonly #places: ReadonlyMap<string, ShardPlaces>;

  /** @throws RangeError when it makes no sense. */
  constructor(topology: Topology, etag?: string) {
    this.epoch = topology.epoch;
    this.etag = etag;
    const byId = new Map(topology.nodes.map((node) => [node.node_id, Endpoint.parse(node.endpoint)]));
    this.nodes = [...byId.values()];
    this.#table = TokenTable.fromWire(topology.tokens);
    this.#places = new Map(
      topology.shards.map((shard) => [
        shard.shard_id,
        {
          leader: (shard.leader === null ? undefined : byId.get(shard.leader)) ?? null,
          replicas: shard.replicas.flatMap((replica) => byId.get(replica.node_id) ?? []),
        },
      ]),
    );
    const strangers = this.#table.shardIds().filter((shardId) => !this.#places.has(shardId));
    if (strangers.length > 0) {
      throw new RangeError(`the token table names shards that are not listed: ${strangers.slice(0, 3).join(", ")}`);
    }
  }

  /** The shard that owns a hash. */
  shardOf(hash: Hash64): string {
    return this.#table.shardForHalves(hash);
  }

  /** The node that leads the owner of a hash; null while there is no leader. */
  leaderOf(hash: Hash64): Endpoint | null {
    return this.#placesOf(hash).leader;
  }

  /** The nodes with a replica of the owner of a hash, the leader among them. */
  replicasOf(hash: Hash64): readonly Endpoint[] {
    return this.#placesOf(hash).replicas;
  }

  #placesOf(hash: Hash64): ShardPlaces {
    return this.#places.get(this.#table.shardForHalves(hash)) as ShardPlaces;
  }
}
