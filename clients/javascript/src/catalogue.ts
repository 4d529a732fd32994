/** The catalogue's and the cluster's part of `ThemisClient`: methods without state of their own. */

import type { Collection, CollectionCount, Model, Namespace, Topology, VersionInfo } from "./_generated/models.js";
import { AdminMethods } from "./admin_methods.js";
import * as cluster from "./cluster.js";
import * as collections from "./collections.js";
import type { Core } from "./core.js";
import type { Document } from "./entities.js";
import { EntityIterator } from "./listing.js";
import { type CallOptions, checkName, type NamespaceOption, type ReadOptions, type WriteOptions } from "./options.js";

/** What `ThemisClient` can do with collections, namespaces and the cluster. */
export abstract class CatalogueMethods extends AdminMethods {
  readonly #core: Core;

  /** @internal */
  constructor(core: Core) {
    super(core);
    this.#core = core;
  }

  /** The endpoints that the client was made with. */
  get endpoints(): string[] {
    return this.#core.options.endpoints.map((endpoint) => endpoint.url);
  }

  /** The namespace of calls that name none. */
  get namespace(): string {
    return this.#core.options.namespace;
  }

  // Collections

  /**
   * All entities of a collection in the order of their uuids; `timeout` is for each page.
   *
   * No snapshot: what is there from beginning to end is seen exactly once, what is written meanwhile may be or not.
   */
  iterate<T = Document>(
    collection: string,
    options: collections.ListOptions & NamespaceOption = {},
  ): EntityIterator<T> {
    const fetch = collections.pageFetcher(this.#core, this.#in(options), collection, options);
    return new EntityIterator<T>(fetch, options.cursor ?? null);
  }

  /** How many entities a collection has: `count`, and `shards` with the count of each. */
  async countCollection(name: string, options: ReadOptions & NamespaceOption = {}): Promise<CollectionCount> {
    return collections.countCollection(this.#core, this.#in(options), name, options);
  }

  /**
   * Create a collection; its model is fixed for its life.
   *
   * @throws AlreadyExistsError, ModelMismatchError
   */
  async createCollection(
    name: string,
    model: Model,
    options: collections.CollectionSettings & WriteOptions & NamespaceOption = {},
  ): Promise<Collection> {
    return collections.createCollection(this.#core, this.#in(options), name, model, options);
  }

  /**
   * A collection with its model and options.
   *
   * @throws CollectionNotFoundError
   */
  async getCollection(name: string, options: CallOptions & NamespaceOption = {}): Promise<Collection> {
    return collections.getCollection(this.#core, this.#in(options), name, options);
  }

  /** All collections of a namespace, by name. */
  async listCollections(options: CallOptions & NamespaceOption = {}): Promise<Collection[]> {
    return collections.listCollections(this.#core, this.#in(options), options);
  }

  /** Change the options named; the others stay. */
  async alterCollection(
    name: string,
    options: collections.CollectionSettings & WriteOptions & NamespaceOption = {},
  ): Promise<Collection> {
    return collections.alterCollection(this.#core, this.#in(options), name, options);
  }

  /** Drop a collection with its data; returns its name. */
  async dropCollection(name: string, options: WriteOptions & NamespaceOption = {}): Promise<string> {
    return collections.dropCollection(this.#core, this.#in(options), name, options);
  }

  // Namespaces

  /**
   * Create a namespace.
   *
   * @throws AlreadyExistsError
   */
  async createNamespace(name: string, options: collections.NamespaceSettings & WriteOptions = {}): Promise<Namespace> {
    return collections.createNamespace(this.#core, name, options);
  }

  /**
   * A namespace with its options.
   *
   * @throws NamespaceNotFoundError
   */
  async getNamespace(name: string, options: CallOptions = {}): Promise<Namespace> {
    return collections.getNamespace(this.#core, name, options);
  }

  /** All namespaces, by name. */
  async listNamespaces(options: CallOptions = {}): Promise<Namespace[]> {
    return collections.listNamespaces(this.#core, options);
  }

  /** Change the options named; the others stay. */
  async alterNamespace(name: string, options: collections.NamespaceSettings & WriteOptions = {}): Promise<Namespace> {
    return collections.alterNamespace(this.#core, name, options);
  }

  /** Drop a namespace; returns its name. One that has collections (NamespaceNotEmptyError) only with `force`. */
  async dropNamespace(name: string, options: { readonly force?: boolean } & WriteOptions = {}): Promise<string> {
    return collections.dropNamespace(this.#core, name, options);
  }

  // Cluster

  /** Nodes, shards and the token table, as a node knows them now. */
  async topology(options: CallOptions = {}): Promise<Topology> {
    return cluster.topology(this.#core, options);
  }

  /** Ask one node (any, or the one named) whether it takes requests: that it does not is an answer, and no error. */
  async health(options: cluster.HealthOptions = {}): Promise<cluster.NodeHealth> {
    return cluster.health(this.#core, options);
  }

  /** The server's version, its API's, and the features it has. */
  async version(options: CallOptions = {}): Promise<VersionInfo> {
    return cluster.version(this.#core, options);
  }

  /** The metrics of one node, in Prometheus' text format. */
  async metrics(options: CallOptions = {}): Promise<string> {
    return cluster.metrics(this.#core, options);
  }

  #in({ namespace }: NamespaceOption): string {
    return namespace === undefined ? this.namespace : checkName(namespace, "namespace");
  }
}
