/** What became of a batch, item by item. */

import type { Document, Entity } from "./entities.js";
import { BatchError, type ThemisError } from "./errors.js";
import { Urn } from "./urn.js";

/** One item that failed. */
export class BatchFailure {
  /** Its place in what was asked, from 0. */
  readonly index: number;
  /** Its URN, as text; what was given instead where that cannot be one. */
  readonly urn: string;
  /** What a call for this one item would have rejected with. */
  readonly error: ThemisError;

  /** @internal */
  constructor(index: number, urn: string, error: ThemisError) {
    this.index = index;
    this.urn = urn;
    this.error = error;
  }
}

/** What became of each item of a batch. */
export class BatchResult<T> {
  /** The results of the items that succeeded, in the order asked. */
  readonly ok: readonly T[];
  /** The URNs of the items that do not exist (reads and deletions), in the order asked. */
  readonly missing: readonly Urn[];
  /** The items that failed, in the order asked. */
  readonly failed: readonly BatchFailure[];
  /** How many items there were. */
  readonly asked: number;

  /** @internal */
  constructor(ok: readonly T[], missing: readonly Urn[], failed: readonly BatchFailure[], asked: number) {
    this.ok = ok;
    this.missing = missing;
    this.failed = failed;
    this.asked = asked;
  }

  /** Throw BatchError if any item failed. (That something does not exist is no failure.) */
  raiseForErrors(): this {
    if (this.failed.length > 0) {
      throw new BatchError(this.failed, this.asked);
    }
    return this;
  }
}

/** A place in the answer of a batch of reads: what was found, the URN of what does not exist, or why it failed. */
export type BatchPlace<T = Document> = Entity<T> | Urn | BatchFailure;

/**
 * The answer of batchGet: documents in the order asked, null where there is no entity.
 *
 * An item that could not be read is neither: touching its place throws its error, and iterating throws BatchError before
 * the first document, so that a failure is never taken for "does not exist". `entities()` has the versions.
 */
export class BatchGetResult<T = Document> extends BatchResult<Entity<T>> implements Iterable<T | null> {
  readonly #places: readonly BatchPlace<T>[];

  /** @internal */
  constructor(places: readonly BatchPlace<T>[]) {
    const ok: Entity<T>[] = [];
    const missing: Urn[] = [];
    const failed: BatchFailure[] = [];
    for (const place of places) {
      if (place instanceof BatchFailure) {
        failed.push(place);
      } else if (place instanceof Urn) {
        missing.push(place);
      } else {
        ok.push(place);
      }
    }
    super(ok, missing, failed, places.length);
    this.#places = places;
  }

  /** How many items were asked for. */
  get length(): number {
    return this.#places.length;
  }

  /** What is at each place, in the order asked; throws nothing. */
  places(): readonly BatchPlace<T>[] {
    return this.#places;
  }

  /**
   * The document at a place (from the end if negative), null where there is no entity, undefined beyond both ends.
   *
   * @throws the item's error, if it failed.
   */
  at(index: number): T | null | undefined {
    const place = this.#places.at(index);
    if (place === undefined) {
      return undefined;
    }
    if (place instanceof BatchFailure) {
      throw place.error;
    }
    return place instanceof Urn ? null : place.doc;
  }

  /**
   * All documents, null where there is no entity.
   *
   * @throws BatchError if any item failed.
   */
  toArray(): (T | null)[] {
    this.raiseForErrors();
    return this.#places.map((place) => (place instanceof Urn ? null : (place as Entity<T>).doc));
  }

  /** `toArray`, for `for ... of` and `[...result]`. */
  [Symbol.iterator](): Iterator<T | null> {
    return this.toArray()[Symbol.iterator]();
  }

  /** What was found, by uuid. (In a batch over several collections, by uuid of the last one.) */
  entities(): Map<string, Entity<T>> {
    return new Map(this.ok.map((entity) => [entity.urn.uuid, entity]));
  }
}
