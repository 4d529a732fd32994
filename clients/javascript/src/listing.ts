/**
 * Iterating a collection: pages behind an ordinary async iterator.
 *
 * A listing keeps no state on the server; its cursor is a place in the key order. Closing an iterator forgets the page it
 * holds; leaving a `for await` loop early leaves nothing behind.
 */

import type { EntityList } from "./_generated/models.js";
import type { Document } from "./entities.js";
import { Urn } from "./urn.js";

/** An entity of a listing. */
export interface ListedEntity<T = Document> {
  /** Its name. */
  readonly urn: Urn;
  /** Its version. */
  readonly version: number;
  /** Its document; null when only versions were asked for. */
  readonly doc: T | null;
}

/** Entities in the order of their uuids, fetched page by page. */
export class EntityIterator<T = Document> implements AsyncIterableIterator<ListedEntity<T>> {
  readonly #fetch: (cursor: string | null) => Promise<EntityList>;
  #buffer: ListedEntity<T>[] = [];
  #taken = 0;
  #cursor: string | null;
  #more = true;
  #fetching: Promise<void> | null = null;

  /** @internal */
  constructor(fetch: (cursor: string | null) => Promise<EntityList>, cursor: string | null) {
    this.#fetch = fetch;
    this.#cursor = cursor;
  }

  /**
   * Where the page after the one at hand begins, null before the first and after the last: pass it to
   * `iterate(name, { cursor })` to go on later.
   */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** The next entity. Calls that come before the last one is answered are answered in turn. */
  async next(): Promise<IteratorResult<ListedEntity<T>, undefined>> {
    for (;;) {
      const entity = this.#buffer[this.#taken];
      if (entity !== undefined) {
        this.#taken++;
        return { done: false, value: entity };
      }
      if (!this.#more) {
        return { done: true, value: undefined };
      }
      if (this.#fetching === null) {
        this.#fetching = this.#fetchPage().finally(() => {
          this.#fetching = null;
        });
        await this.#fetching;
      } else {
        // Another call is fetching the page; if that fails, it is the other's error, and this one asks anew.
        await this.#fetching.catch(() => undefined);
      }
    }
  }

  /** Stop; the iterator is at its end. */
  close(): void {
    this.#buffer = [];
    this.#taken = 0;
    this.#more = false;
  }

  /** `close`, as `for await` calls it when a loop is left early. */
  return(): Promise<IteratorResult<ListedEntity<T>, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The iterator itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  async #fetchPage(): Promise<void> {
    const page = await this.#fetch(this.#cursor);
    if (!this.#more) {
      // Closed meanwhile.
      return;
    }
    this.#buffer = page.items.map(({ urn, version, doc }) => ({
      urn: Urn.parse(urn),
      version,
      doc: (doc ?? null) as T | null,
    }));
    this.#taken = 0;
    this.#cursor = page.cursor ?? null;
    this.#more = page.cursor !== undefined;
  }
}
