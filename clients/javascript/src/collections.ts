/** The catalogue, counting and listing. */

import type {
  Collection,
  CollectionAlter,
  CollectionCount,
  CollectionCreate,
  CollectionOptionsChange,
  EntityList,
  Model,
  Namespace,
  NamespaceAlter,
  NamespaceCreate,
  NamespaceOptionsChange,
} from "./_generated/models.js";
import { type OperationId, OPERATIONS } from "./_generated/operations.js";
import { type Core, perform } from "./core.js";
import { decoded, keyHeader, limitsOf } from "./entities.js";
import { ConfigurationError } from "./errors.js";
import { type Freshness, STRONG } from "./freshness.js";
import { encodeDocument } from "./json.js";
import { type CallOptions, checkName, type ReadOptions, type WriteOptions } from "./options.js";
import {
  isCollection,
  isCollectionCount,
  isCollectionList,
  isDropped,
  isEntityList,
  isNamespace,
  isNamespaceList,
  type Shape,
} from "./shapes.js";
import { MODELS } from "./urn.js";

/** Options of a namespace; what is not named stays as it is, or as the server is configured in a new one. */
export interface NamespaceSettings {
  /** Whether the first write into an unknown collection creates it. */
  readonly autoCreateCollections?: boolean;
}

/** Options of a collection; what is not named stays as it is, or as by default in a new one. */
export interface CollectionSettings {
  /** What it is for. */
  readonly description?: string;
  /** How many seconds a client may keep a document without asking. */
  readonly cacheMaxAgeS?: number;
  /** Whether changes are recorded for the change feed. */
  readonly changeFeed?: boolean;
}

const PAGE_SIZE_MAX = 1000;
const PAGE_OF_NAMES = 1000;

/** The operation's path with its parameters percent-encoded, every reserved character of them. */
export function pathOf(operationId: OperationId, parameters: Readonly<Record<string, string>> = {}): string {
  return OPERATIONS[operationId].path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(parameters[name] ?? ""),
  );
}

/** A path with its query, if any. */
export function withQuery(path: string, parameters: readonly string[]): string {
  return parameters.length === 0 ? path : `${path}?${parameters.join("&")}`;
}

/** GET something and decode it; `target` has the parameters of `read` at its end. */
export async function fetchRecord<T>(
  core: Core,
  operationId: OperationId,
  target: string,
  shape: Shape<T>,
  options: CallOptions,
  read: Freshness = STRONG,
): Promise<T> {
  const operation = OPERATIONS[operationId];
  const answer = await perform(core, { operation, target, ...limitsOf(core, options), read });
  return decoded(core, answer, shape, operationId === "listEntities" ? "page of entities" : `answer to ${operationId}`);
}

/** Change something and decode what it is now; what may be repeated by itself takes no key (`idempotencyKey: false`). */
export async function change<T>(
  core: Core,
  operationId: OperationId,
  target: string,
  body: object | null,
  shape: Shape<T>,
  options: WriteOptions,
): Promise<T> {
  const operation = OPERATIONS[operationId];
  const key = keyHeader(core, options.idempotencyKey);
  const answer = await perform(core, {
    operation,
    target,
    ...limitsOf(core, options),
    headers: body === null ? key : { ...key, "Content-Type": "application/json" },
    body: body === null ? "" : encodeDocument(body),
    repeatable: operation.idempotent || "Idempotency-Key" in key,
  });
  return decoded(core, answer, shape, `answer to ${operationId}`);
}

// Namespaces

/** POST /namespaces. */
export async function createNamespace(
  core: Core,
  name: string,
  options: NamespaceSettings & WriteOptions,
): Promise<Namespace> {
  const body: NamespaceCreate = { name: checkName(name, "namespace"), options: namespaceChange(options) };
  return change(core, "createNamespace", pathOf("createNamespace"), body, isNamespace, options);
}

/** GET /namespaces/\{namespace\}. */
export async function getNamespace(core: Core, name: string, options: CallOptions): Promise<Namespace> {
  return fetchRecord(core, "getNamespace", namespacePath("getNamespace", name), isNamespace, options);
}

/** All pages of GET /namespaces. */
export async function listNamespaces(core: Core, options: CallOptions): Promise<Namespace[]> {
  return allPages(core, "listNamespaces", pathOf("listNamespaces"), isNamespaceList, options);
}

/** PATCH /namespaces/\{namespace\}. */
export async function alterNamespace(
  core: Core,
  name: string,
  options: NamespaceSettings & WriteOptions,
): Promise<Namespace> {
  const body: NamespaceAlter = { options: namespaceChange(options) };
  return change(core, "alterNamespace", namespacePath("alterNamespace", name), body, isNamespace, options);
}

/** DELETE /namespaces/\{namespace\}. */
export async function dropNamespace(
  core: Core,
  name: string,
  options: { readonly force?: boolean } & WriteOptions,
): Promise<string> {
  const target = withQuery(namespacePath("dropNamespace", name), options.force === true ? ["force=true"] : []);
  return (await change(core, "dropNamespace", target, null, isDropped, options)).dropped;
}

// Collections

/** POST /namespaces/\{namespace\}/collections. */
export async function createCollection(
  core: Core,
  namespace: string,
  name: string,
  model: string,
  options: CollectionSettings & WriteOptions,
): Promise<Collection> {
  if (!(MODELS as readonly string[]).includes(model)) {
    throw new ConfigurationError(`the model is one of ${MODELS.join(", ")}, not ${JSON.stringify(model)}`);
  }
  const body: CollectionCreate = {
    name: checkName(name, "collection"),
    model: model as Model,
    options: collectionChange(options),
  };
  return change(core, "createCollection", namespacePath("createCollection", namespace), body, isCollection, options);
}

/** GET /namespaces/\{namespace\}/collections/\{collection\}. */
export async function getCollection(
  core: Core,
  namespace: string,
  name: string,
  options: CallOptions,
): Promise<Collection> {
  return fetchRecord(core, "getCollection", collectionPath("getCollection", namespace, name), isCollection, options);
}

/** All pages of GET /namespaces/\{namespace\}/collections. */
export async function listCollections(core: Core, namespace: string, options: CallOptions): Promise<Collection[]> {
  return allPages(core, "listCollections", namespacePath("listCollections", namespace), isCollectionList, options);
}

/** PATCH /namespaces/\{namespace\}/collections/\{collection\}. */
export async function alterCollection(
  core: Core,
  namespace: string,
  name: string,
  options: CollectionSettings & WriteOptions,
): Promise<Collection> {
  const target = collectionPath("alterCollection", namespace, name);
  const body: CollectionAlter = { options: collectionChange(options) };
  return change(core, "alterCollection", target, body, isCollection, options);
}

/** DELETE /namespaces/\{namespace\}/collections/\{collection\}. */
export async function dropCollection(
  core: Core,
  namespace: string,
  name: string,
  options: WriteOptions,
): Promise<string> {
  const target = collectionPath("dropCollection", namespace, name);
  return (await change(core, "dropCollection", target, null, isDropped, options)).dropped;
}

/** GET /namespaces/\{namespace\}/collections/\{collection\}/count. */
export async function countCollection(
  core: Core,
  namespace: string,
  name: string,
  options: ReadOptions,
): Promise<CollectionCount> {
  const read = core.options.read.under(options);
  const target = withQuery(collectionPath("countCollection", namespace, name), read.parameters);
  return fetchRecord(core, "countCollection", target, isCollectionCount, options, read);
}

/** What a listing is made by. */
export interface ListOptions extends ReadOptions {
  /** How many entities are fetched at once, 1 to 1,000; 500 by default. */
  readonly pageSize?: number;
  /** "version" leaves the documents out. */
  readonly include?: "doc" | "version";
  /** Where to begin: the `cursor` of an earlier iterator. */
  readonly cursor?: string;
}

/** How to fetch one page of GET /namespaces/\{namespace\}/collections/\{collection\}/entities; throws at once. */
export function pageFetcher(
  core: Core,
  namespace: string,
  name: string,
  options: ListOptions,
): (cursor: string | null) => Promise<EntityList> {
  const { pageSize = 500, include = "doc", cursor } = options;
  if (!Number.isSafeInteger(pageSize) || pageSize < 1 || pageSize > PAGE_SIZE_MAX) {
    throw new ConfigurationError(`pageSize is 1 to ${String(PAGE_SIZE_MAX)}, not ${String(pageSize)}`);
  }
  if (!["doc", "version"].includes(include)) {
    throw new ConfigurationError('include is "doc" or "version"');
  }
  if (typeof (cursor ?? "") !== "string" || /\p{Surrogate}/u.test(cursor ?? "")) {
    throw new ConfigurationError("cursor is what the cursor of an earlier iterator was");
  }
  // What is wrong with the options is said now, not with the first page.
  limitsOf(core, options);
  const path = collectionPath("listEntities", namespace, name);
  const first = [`limit=${String(pageSize)}`, ...(include === "doc" ? [] : [`include=${include}`])];
  const read = core.options.read.under(options);
  return (from) => {
    const place = from === null ? [] : [`cursor=${encodeURIComponent(from)}`];
    const target = withQuery(path, [...first, ...place, ...read.parameters]);
    return fetchRecord(core, "listEntities", target, isEntityList, options, read);
  };
}

function namespacePath(operationId: OperationId, name: string): string {
  return pathOf(operationId, { namespace: checkName(name, "namespace") });
}

function collectionPath(operationId: OperationId, namespace: string, name: string): string {
  const parameters = { namespace: checkName(namespace, "namespace"), collection: checkName(name, "collection") };
  return pathOf(operationId, parameters);
}

function namespaceChange({ autoCreateCollections }: NamespaceSettings): NamespaceOptionsChange {
  return autoCreateCollections === undefined ? {} : { auto_create_collections: autoCreateCollections };
}

function collectionChange({ description, cacheMaxAgeS, changeFeed }: CollectionSettings): CollectionOptionsChange {
  return {
    ...(description === undefined ? {} : { description }),
    ...(cacheMaxAgeS === undefined ? {} : { cache_max_age_s: cacheMaxAgeS }),
    ...(changeFeed === undefined ? {} : { change_feed: changeFeed }),
  };
}

async function allPages<T>(
  core: Core,
  operationId: OperationId,
  path: string,
  shape: Shape<{ readonly items: readonly T[]; readonly cursor?: string }>,
  options: CallOptions,
): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const place = cursor === undefined ? [] : [`cursor=${encodeURIComponent(cursor)}`];
    const target = withQuery(path, [`limit=${String(PAGE_OF_NAMES)}`, ...place]);
    const page = await fetchRecord(core, operationId, target, shape, options);
    found.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}
