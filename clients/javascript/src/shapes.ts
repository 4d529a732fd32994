/**
 * Whether an answer has the members that the specification promises, in their types.
 *
 * What an answer has beyond them is ignored, and values are not judged: a newer server may say more. The records
 * themselves are generated (`_generated/models.ts`); the type parameter keeps each shape equal to its record.
 */

import type {
  BatchItem,
  BatchResponse,
  Collection,
  CollectionCount,
  CollectionList,
  Dropped,
  EntityList,
  ItemError,
  Namespace,
  NamespaceList,
  Topology,
  VersionInfo,
} from "./_generated/models.js";

/** Whether a value from JSON is of a type. */
export type Shape<T> = (value: unknown) => value is T;

/** Whether a value is what a member has to be. */
export type Test = (value: unknown) => boolean;
type Tests<T> = { readonly [K in keyof Required<T>]: Test };

export const text: Test = (value) => typeof value === "string";
export const flag: Test = (value) => typeof value === "boolean";
export const integer: Test = (value) => Number.isInteger(value);
export const number: Test = (value) => typeof value === "number";
export const optional =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);
export const nullable =
  (test: Test): Test =>
  (value) =>
    value === null || test(value);
export const list =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.every(test);

/** An object of whatever members: a document, figures. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An object whose members pass these tests. */
export function record<T>(tests: Tests<T>): Shape<T> {
  const entries = Object.entries<Test>(tests);
  return (value): value is T => {
    if (!isObject(value)) {
      return false;
    }
    for (const [name, test] of entries) {
      if (!test(value[name])) {
        return false;
      }
    }
    return true;
  };
}

const isItemError = record<ItemError>({
  code: text,
  status: integer,
  title: text,
  detail: text,
  retryable: flag,
  version: optional(nullable(integer)),
  pointer: optional(text),
  position: optional(integer),
  limit: optional(integer),
  expected: optional(text),
  owner: optional(nullable(text)),
  epoch: optional(integer),
  retry_after_s: optional(integer),
  lag_ms: optional(integer),
});

const isBatchItem = record<BatchItem>({
  urn: text,
  version: optional(integer),
  doc: optional(isObject),
  error: optional(isItemError),
});

export const isBatchResponse = record<BatchResponse>({ items: list(isBatchItem) });

export const isNamespace = record<Namespace>({
  name: text,
  options: record<Namespace["options"]>({ auto_create_collections: flag }),
  created_at: text,
});

export const isNamespaceList = record<NamespaceList>({ items: list(isNamespace), cursor: optional(text) });

export const isCollection = record<Collection>({
  name: text,
  namespace: text,
  model: text,
  id: integer,
  options: record<Collection["options"]>({ description: text, cache_max_age_s: integer, change_feed: flag }),
  created_at: text,
});

export const isCollectionList = record<CollectionList>({ items: list(isCollection), cursor: optional(text) });

export const isCollectionCount = record<CollectionCount>({
  count: integer,
  shards: list(record<CollectionCount["shards"][number]>({ shard_id: text, count: integer })),
});

export const isDropped = record<Dropped>({ dropped: text });

export const isEntityList = record<EntityList>({
  items: list(record<EntityList["items"][number]>({ urn: text, version: integer, doc: optional(isObject) })),
  cursor: optional(text),
});

export const isTopology = record<Topology>({
  epoch: integer,
  nodes: list(
    record<Topology["nodes"][number]>({
      node_id: text,
      endpoint: text,
      datacenter: text,
      rack: text,
      state: text,
      version: text,
      health: optional(text),
      kind: optional(text),
    }),
  ),
  shards: list(
    record<Topology["shards"][number]>({
      shard_id: text,
      leader: nullable(text),
      leader_term: optional(integer),
      replicas: list(record<{ node_id: string; role: string }>({ node_id: text, role: text })),
    }),
  ),
  tokens: list((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(text)),
});

export const isVersionInfo = record<VersionInfo>({ server: text, api: text, features: list(text) });
