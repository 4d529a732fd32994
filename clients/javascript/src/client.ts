/** The client. */

import type { Model } from "./_generated/models.js";
import * as batch from "./batch.js";
import type { BatchGetResult, BatchResult } from "./batch_result.js";
import { CatalogueMethods } from "./catalogue.js";
import { Core } from "./core.js";
import * as entities from "./entities.js";
import type { ChangeOptions, Document, Entity, GetEntityOptions, PutOptions, WriteResult } from "./entities.js";
import { ConfigurationError } from "./errors.js";
import { type ClientOptions, checkName, checkOptions } from "./options.js";
import type { NamespaceOption, ReadOptions, WriteOptions } from "./options.js";
import { defaultTransport } from "./platform.js";
import { TokenSource } from "./token.js";
import { Urn, urnMaker } from "./urn.js";

/**
 * A ThemisDB cluster.
 *
 * One client serves a whole program: it keeps connections, the topology and the retry budget. Close it when you are done
 * (`await client.close()`, or `await using client = ...`); in Node, one that is idle does not keep the process alive.
 *
 * Every call takes `timeout` (milliseconds, the client's by default) as a limit that retries never exceed, and `signal`,
 * an AbortSignal that cancels it. Calls reject with the errors of {@link ThemisError}'s tree.
 */
export class ThemisClient extends CatalogueMethods {
  readonly #core: Core;

  /**
   * A client of the cluster that these endpoints belong to. Nothing is sent before its first call.
   *
   * @throws ConfigurationError for options that cannot work.
   */
  constructor(options: ClientOptions) {
    const checked = checkOptions(options);
    const tokens = new TokenSource(options.token, checked.timeoutMs);
    const core = new Core(checked, tokens, options.transport ?? defaultTransport(options));
    super(core);
    this.#core = core;
  }

  // The session

  /**
   * What this client has seen, as a text for `mergeSession` of another one; "" if it has seen nothing.
   *
   * The session is why a client reads its own writes, and nothing older than what it has read before, whichever replica
   * answers (with `sessions: false`, only strong reads do).
   */
  get sessionToken(): string {
    return this.#core.session?.token() ?? "";
  }

  /**
   * Let reads see what another client has seen, too: its `sessionToken`, perhaps from another process.
   *
   * @throws ConfigurationError for what is no token, and from a client that keeps no session.
   */
  mergeSession(token: string): void {
    const { session } = this.#core;
    if (session === null) {
      throw new ConfigurationError("this client keeps no session (sessions: false)");
    }
    session.merge(token);
  }

  /** Begin anew, as if nothing had been seen: for a cluster that was restored from a backup. */
  forgetSession(): void {
    this.#core.session?.forget();
  }

  // Entities

  /** Read a document; null when there is no such entity. */
  async get<T = Document>(
    model: Model,
    collection: string,
    uuid: string,
    options: ReadOptions & NamespaceOption = {},
  ): Promise<T | null> {
    return entities.get(this.#core, this.#urn(model, collection, uuid, options), options) as Promise<T | null>;
  }

  /** `get`, by URN. */
  async getByUrn<T = Document>(urn: Urn | string, options: ReadOptions = {}): Promise<T | null> {
    return entities.get(this.#core, asUrn(urn), options) as Promise<T | null>;
  }

  /** Read a document with its version; null when there is no such entity. */
  async getEntity<T = Document>(
    model: Model,
    collection: string,
    uuid: string,
    options?: ReadOptions & NamespaceOption & { readonly ifNoneMatch?: never },
  ): Promise<Entity<T> | null>;
  /**
   * Read a document with its version, unless that is (one of) `ifNoneMatch`: NOT_MODIFIED then; null when there is no
   * such entity.
   */
  async getEntity<T = Document>(
    model: Model,
    collection: string,
    uuid: string,
    options: GetEntityOptions & NamespaceOption,
  ): Promise<Entity<T> | entities.NotModified | null>;
  async getEntity(
    model: Model,
    collection: string,
    uuid: string,
    options: GetEntityOptions & NamespaceOption = {},
  ): Promise<Entity | entities.NotModified | null> {
    return entities.getEntity(this.#core, this.#urn(model, collection, uuid, options), options);
  }

  /** `getEntity`, by URN. */
  async getEntityByUrn<T = Document>(
    urn: Urn | string,
    options?: ReadOptions & { readonly ifNoneMatch?: never },
  ): Promise<Entity<T> | null>;
  /** `getEntity` with a condition, by URN. */
  async getEntityByUrn<T = Document>(
    urn: Urn | string,
    options: GetEntityOptions,
  ): Promise<Entity<T> | entities.NotModified | null>;
  async getEntityByUrn(
    urn: Urn | string,
    options: GetEntityOptions = {},
  ): Promise<Entity | entities.NotModified | null> {
    return entities.getEntity(this.#core, asUrn(urn), options);
  }

  /** Whether there is such an entity. */
  async exists(
    model: Model,
    collection: string,
    uuid: string,
    options: ReadOptions & NamespaceOption = {},
  ): Promise<boolean> {
    return entities.exists(this.#core, this.#urn(model, collection, uuid, options), options);
  }

  /** `exists`, by URN. */
  async existsByUrn(urn: Urn | string, options: ReadOptions = {}): Promise<boolean> {
    return entities.exists(this.#core, asUrn(urn), options);
  }

  /**
   * Create or replace an entity. The write is durable when this resolves.
   *
   * @throws PreconditionFailedError, which says the current version, when `ifMatch` or `ifNoneMatch` does not hold.
   */
  async put(
    model: Model,
    collection: string,
    uuid: string,
    data: object,
    options: PutOptions & NamespaceOption = {},
  ): Promise<WriteResult> {
    return entities.put(this.#core, this.#urn(model, collection, uuid, options), data, options);
  }

  /** `put`, by URN. */
  async putByUrn(urn: Urn | string, data: object, options: PutOptions = {}): Promise<WriteResult> {
    return entities.put(this.#core, asUrn(urn), data, options);
  }

  /**
   * Change members of an existing entity (JSON Merge Patch, RFC 7396); a null removes its member.
   *
   * @throws EntityNotFoundError when there is no such entity.
   */
  async patch(
    model: Model,
    collection: string,
    uuid: string,
    changes: object,
    options: ChangeOptions & NamespaceOption = {},
  ): Promise<WriteResult> {
    return entities.patch(this.#core, this.#urn(model, collection, uuid, options), changes, options);
  }

  /** `patch`, by URN. */
  async patchByUrn(urn: Urn | string, changes: object, options: ChangeOptions = {}): Promise<WriteResult> {
    return entities.patch(this.#core, asUrn(urn), changes, options);
  }

  /** Delete an entity; null when there was none. */
  async delete(
    model: Model,
    collection: string,
    uuid: string,
    options: ChangeOptions & NamespaceOption = {},
  ): Promise<WriteResult | null> {
    return entities.remove(this.#core, this.#urn(model, collection, uuid, options), options);
  }

  /** `delete`, by URN. */
  async deleteByUrn(urn: Urn | string, options: ChangeOptions = {}): Promise<WriteResult | null> {
    return entities.remove(this.#core, asUrn(urn), options);
  }

  // Batches

  /** Read many entities of a collection: documents in the order asked, null where there is none. */
  async batchGet<T = Document>(
    model: Model,
    collection: string,
    uuids: Iterable<string>,
    options: ReadOptions & NamespaceOption = {},
  ): Promise<BatchGetResult<T>> {
    const makeUrn = this.#urnMaker(model, collection, options);
    return batch.batchGet(this.#core, makeUrn, uuids, options) as Promise<BatchGetResult<T>>;
  }

  /** `batchGet`, by URN, from any collections. */
  async batchGetByUrn<T = Document>(
    urns: Iterable<Urn | string>,
    options: ReadOptions = {},
  ): Promise<BatchGetResult<T>> {
    return batch.batchGet(this.#core, asUrn, urns, options) as Promise<BatchGetResult<T>>;
  }

  /**
   * Create or replace many entities of a collection: `{ uuid: document }`, a Map of that, or `[uuid, document]` and
   * `[uuid, document, ifMatch]` tuples. As an `ifMatch`, 0 says "must not exist".
   */
  async batchPut(
    model: Model,
    collection: string,
    items: batch.PutItems,
    options: WriteOptions & NamespaceOption = {},
  ): Promise<BatchResult<WriteResult>> {
    return batch.batchPut(this.#core, this.#urnMaker(model, collection, options), items, options);
  }

  /** `batchPut`, by URN, into any collections. */
  async batchPutByUrn(
    items: batch.PutItems<Urn | string>,
    options: WriteOptions = {},
  ): Promise<BatchResult<WriteResult>> {
    return batch.batchPut(this.#core, asUrn, items, options);
  }

  /** Delete many entities of a collection: uuids, or `[uuid, ifMatch]` tuples. */
  async batchDelete(
    model: Model,
    collection: string,
    uuids: Iterable<batch.DeleteItem>,
    options: WriteOptions & NamespaceOption = {},
  ): Promise<BatchResult<WriteResult>> {
    return batch.batchDelete(this.#core, this.#urnMaker(model, collection, options), uuids, options);
  }

  /** `batchDelete`, by URN, from any collections. */
  async batchDeleteByUrn(
    urns: Iterable<batch.DeleteItem<Urn | string>>,
    options: WriteOptions = {},
  ): Promise<BatchResult<WriteResult>> {
    return batch.batchDelete(this.#core, asUrn, urns, options);
  }

  // Life

  /**
   * Close connections and stop the background refresh. The client cannot be used afterwards; attempts that are on their
   * way end by themselves.
   */
  async close(): Promise<void> {
    await this.#core.close();
  }

  /** `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `<ThemisClient ${this.endpoints.join(", ")} namespace=${this.namespace}>`;
  }

  #urn(model: string, collection: string, uuid: string, { namespace }: NamespaceOption): Urn {
    return new Urn(model, this.#namespace(namespace), collection, uuid);
  }

  #urnMaker(model: string, collection: string, { namespace }: NamespaceOption): batch.MakeUrn {
    const make = urnMaker(model, this.#namespace(namespace), collection);
    return (uuid) => make(uuid as string);
  }

  #namespace(namespace: string | undefined): string {
    return namespace === undefined ? this.namespace : checkName(namespace, "namespace");
  }
}

function asUrn(urn: unknown): Urn {
  // The text also of a Urn that another copy of this package made (ESM and CommonJS in one program).
  return urn instanceof Urn ? urn : Urn.parse(String(urn));
}
