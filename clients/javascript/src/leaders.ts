/**
 * Who leads which shard, as far as this client has been told.
 *
 * Leaders move without a new epoch of the topology, and nodes learn of it at different moments: two of them may each say
 * that they lead. The Raft term decides: in each term a shard has one leader, and the greater term is the later one. What
 * an answer says (`Themis-Node` with `Themis-Role: leader`) has no term; it is a *hint*, newer than the topology we have,
 * and stands until a topology of a greater term comes.
 */

import type { Endpoint } from "./transport/message.js";

/** What a topology says of one shard. */
export interface Claim {
  readonly shardId: string;
  /** Who leads it; null while nobody does. */
  readonly leader: Endpoint | null;
  /** Since which Raft term; 0 where the topology does not say it. */
  readonly term: number;
  /** Where it has replicas. */
  readonly replicas: readonly Endpoint[];
}

interface Known {
  readonly term: number;
  readonly leader: Endpoint | null;
  readonly hinted: boolean;
}

const NOTHING: Known = { term: 0, leader: null, hinted: false };

/** The leader of each shard. */
export class Leaders {
  #known: Map<string, Known> = new Map<string, Known>();

  /** The node that leads a shard; null while nobody is known to. */
  of(shardId: string): Endpoint | null {
    return this.#known.get(shardId)?.leader ?? null;
  }

  /** A topology was taken: believe it where it is newer than what is known. */
  take(claims: readonly Claim[]): void {
    const before = this.#known;
    this.#known = new Map(claims.map((claim) => [claim.shardId, judged(claim, before.get(claim.shardId) ?? NOTHING)]));
  }

  /** A node has answered as the leader of a shard; true when that is news. */
  hint(shardId: string, leader: Endpoint): boolean {
    const known = this.#known.get(shardId);
    if (known === undefined || known.leader?.url === leader.url) {
      return false;
    }
    this.#known.set(shardId, { term: known.term, leader, hinted: true });
    return true;
  }
}

function judged(claim: Claim, known: Known): Known {
  const { term, leader } = claim;
  if (leader === null) {
    // Whoever says so has lost sight of the old one, too. The term stays: an older claim must not come back.
    return { term: known.term, leader: null, hinted: false };
  }
  const isOlder = term < known.term;
  if (isOlder || (term === known.term && term > 0 && known.hinted)) {
    if (claim.replicas.some((replica) => replica.url === known.leader?.url)) {
      return known;
    }
    return { term: known.term, leader: isOlder ? null : leader, hinted: false };
  }
  return { term, leader, hinted: false };
}
