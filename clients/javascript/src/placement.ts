/**
 * Which shard owns a key: the hash and the token table.
 *
 * The key hash is XXH64 (seed 0) of the uuid's 36 lower-case bytes: the same uuid in any collection lands on the same
 * shard. Servers build the ring once and publish it, resolved, as the *token table* in the topology; clients search that
 * table and never compute a ring, because moving a range edits the table.
 *
 * Invariant: a table covers the whole circle of 2^64 hashes; each hash has exactly one owner.
 */

import { type Hash64, hashNumber, xxh64, xxh64Halves } from "./xxh64.js";

/** The greatest hash. */
export const HASH_MAX = 0xffffffffffffffffn;

/** How many tokens a shard has by default. */
export const VIRTUAL_NODES = 150;

const TOKEN_TEXT = /^[0-9a-f]{16}$/;
const UUID_CHARS = 36;

const keyBytes = new Uint8Array(UUID_CHARS);

/**
 * The hash of a key, as halves: what routing uses.
 *
 * @internal
 */
export function keyHalves(uuid: string): Hash64 {
  const text = uuid.toLowerCase();
  if (text.length !== UUID_CHARS) {
    return xxh64Halves(new TextEncoder().encode(text));
  }
  for (let index = 0; index < UUID_CHARS; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) {
      return xxh64Halves(new TextEncoder().encode(text));
    }
    keyBytes[index] = code;
  }
  return xxh64Halves(keyBytes);
}

/** XXH64 (seed 0) of the uuid's lower-case text: its place on the circle, 0 to 2^64 - 1, unsigned. */
export function keyHash(uuid: string): bigint {
  return hashNumber(keyHalves(uuid));
}

/** The tokens of one shard: XXH64 (seed 0) of `{shardId}#{i}` for i from 0 on, in that order. */
export function ringTokens(shardId: string, virtualNodes: number = VIRTUAL_NODES): bigint[] {
  return Array.from({ length: virtualNodes }, (_, index) => xxh64(`${shardId}#${String(index)}`));
}

/** A token and the id of the shard that has it. */
export type TokenEntry = readonly [token: bigint, shardId: string];

/** Sorted tokens and their owners. A hash belongs to the first token that is not below it, wrapping past the last. */
export class TokenTable {
  readonly #highs: Uint32Array;
  readonly #lows: Uint32Array;
  readonly #owners: readonly string[];

  /**
   * A table of tokens and the shards that have them.
   *
   * @param tokens In any order. Where a token is given twice, the smaller shard id keeps it.
   * @throws RangeError if there is none, or one is not an unsigned 64-bit integer.
   */
  constructor(tokens: Iterable<TokenEntry>) {
    const owners = new Map<bigint, string>();
    for (const [token, shardId] of tokens) {
      if (token < 0n || token > HASH_MAX) {
        throw new RangeError("tokens are unsigned 64-bit integers");
      }
      const owner = owners.get(token);
      if (owner === undefined || comparedByBytes(shardId, owner) < 0) {
        owners.set(token, shardId);
      }
    }
    if (owners.size === 0) {
      throw new RangeError("a token table needs at least one token");
    }
    const entries = [...owners].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#highs = Uint32Array.from(entries, ([token]) => Number(token >> 32n));
    this.#lows = Uint32Array.from(entries, ([token]) => Number(token & 0xffffffffn));
    this.#owners = entries.map(([, owner]) => owner);
  }

  /** The table of some shards, as a server builds it. */
  static build(shardIds: Iterable<string>, virtualNodes: number = VIRTUAL_NODES): TokenTable {
    const entries: TokenEntry[] = [];
    for (const shardId of shardIds) {
      for (const token of ringTokens(shardId, virtualNodes)) {
        entries.push([token, shardId]);
      }
    }
    return new TokenTable(entries);
  }

  /**
   * Read `[["16 lower-case hex digits", shardId], ...]`, as the topology has it.
   *
   * @throws RangeError if it is not that.
   */
  static fromWire(tokens: readonly (readonly string[])[]): TokenTable {
    return new TokenTable(
      tokens.map((entry): TokenEntry => {
        const [token, shardId] = entry;
        if (entry.length !== 2 || token === undefined || shardId === undefined || !TOKEN_TEXT.test(token)) {
          throw new RangeError("a token is a pair of 16 lower-case hex digits and a shard id");
        }
        return [BigInt(`0x${token}`), shardId];
      }),
    );
  }

  /** How many tokens there are. */
  get size(): number {
    return this.#owners.length;
  }

  /** Tokens and their shards, ascending. */
  entries(): TokenEntry[] {
    return this.#owners.map((owner, index): TokenEntry => [this.#token(index), owner]);
  }

  /** The table as the topology carries it. */
  toWire(): [token: string, shardId: string][] {
    return this.entries().map(([token, owner]) => [token.toString(16).padStart(16, "0"), owner]);
  }

  /** The owner of a hash. */
  shardForHash(hash: bigint): string {
    return this.shardForHalves({ high: Number(hash >> 32n), low: Number(hash & 0xffffffffn) });
  }

  /** The owner of a key, from its uuid in any case. */
  shardForUuid(uuid: string): string {
    return this.shardForHalves(keyHalves(uuid));
  }

  /** @internal */
  shardForHalves(hash: Hash64): string {
    const highs = this.#highs;
    const lows = this.#lows;
    let from = 0;
    let to = highs.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const high = highs[middle] as number;
      if (high < hash.high || (high === hash.high && (lows[middle] as number) < hash.low)) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return this.#owners[from === highs.length ? 0 : from] as string;
  }

  /** The shards that own tokens, sorted. */
  shardIds(): string[] {
    return [...new Set(this.#owners)].sort(comparedByBytes);
  }

  /**
   * What a shard owns: hash ranges, both ends included, ascending and merged; none for a stranger. The range that wraps
   * past the greatest hash is given as its two halves.
   */
  ranges(shardId: string): [start: bigint, end: bigint][] {
    const found: [bigint, bigint][] = [];
    let start = 0n;
    const take = (end: bigint): void => {
      const last = found.at(-1);
      if (last !== undefined && last[1] + 1n === start) {
        last[1] = end;
      } else {
        found.push([start, end]);
      }
    };
    for (const [token, owner] of this.entries()) {
      if (owner === shardId) {
        take(token);
      }
      start = token + 1n;
    }
    if (this.#owners[0] === shardId && start <= HASH_MAX) {
      take(HASH_MAX);
    }
    return found;
  }

  #token(index: number): bigint {
    return hashNumber({ high: this.#highs[index] as number, low: this.#lows[index] as number });
  }
}

/** Shard ids are ASCII, where the order of UTF-16 units is that of bytes; no locale has a say in it. */
function comparedByBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
