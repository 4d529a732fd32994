/**
 * What a client has seen: up to which version of which shard.
 *
 * Servers tell it with every answer (`Themis-Session: shard_001:347839217664000,...`), the client keeps the greatest
 * version of each shard, and sends it with reads that a lagging replica may answer. That replica then waits until it has
 * what the client has seen: its own writes (read-your-writes), and nothing older than what it read before (monotonic
 * reads), whichever replica answers.
 */

import { ConfigurationError } from "./errors.js";

/** The header that carries it, both ways. */
export const SESSION_HEADER = "Themis-Session";

const SHARDS_MAX = 4096;
const ENTRY = /^[ \t]*([A-Za-z0-9_][A-Za-z0-9_.-]{0,62}):([1-9][0-9]{0,15})[ \t]*$/;

/** The greatest version of each shard that was seen. */
export class Session {
  readonly #seen = new Map<string, number>();

  /** Merge what an answer says; entries of another form are passed over. */
  note(text: string): void {
    for (const part of text.split(",")) {
      const entry = parseEntry(part);
      if (entry !== null) {
        this.#raise(...entry);
      }
    }
  }

  /**
   * Merge a token as `token()` gives it.
   *
   * @throws ConfigurationError, and merges nothing, if it is none.
   */
  merge(token: unknown): void {
    if (typeof token !== "string") {
      throw new ConfigurationError("a session token is a text: the sessionToken of a client");
    }
    const entries = (token === "" ? [] : token.split(",")).map((part): Entry => {
      const entry = parseEntry(part);
      if (entry === null) {
        const said = JSON.stringify(part.slice(0, 80));
        throw new ConfigurationError(`a session token is shard_id:version, separated by commas; not ${said}`);
      }
      return entry;
    });
    for (const entry of entries) {
      this.#raise(...entry);
    }
  }

  /** Begin anew. */
  forget(): void {
    this.#seen.clear();
  }

  /** All of it, in the order of shard ids; "" if there is nothing. */
  token(): string {
    return [...this.#seen.keys()]
      .sort()
      .map((shardId) => this.entry(shardId))
      .join(",");
  }

  /** What was seen of one shard; "" if there is nothing. */
  entry(shardId: string): string {
    const version = this.#seen.get(shardId);
    return version === undefined ? "" : `${shardId}:${String(version)}`;
  }

  #raise(shardId: string, version: number): void {
    const known = this.#seen.get(shardId);
    if (known === undefined ? this.#seen.size < SHARDS_MAX : version > known) {
      this.#seen.set(shardId, version);
    }
  }
}

type Entry = readonly [shardId: string, version: number];

function parseEntry(text: string): Entry | null {
  const [, shardId, digits] = ENTRY.exec(text) ?? [];
  const version = Number(digits);
  return shardId !== undefined && Number.isSafeInteger(version) ? [shardId, version] : null;
}
