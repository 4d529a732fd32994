/** How the items of a batch become requests, and how those are sent: groups, cuts, keys, answers. */

import type { BatchItem } from "./_generated/models.js";
import type { Operation } from "./_generated/operations.js";
import { BatchFailure } from "./batch_result.js";
import { type Answer, type Core, perform } from "./core.js";
import { decoded } from "./entities.js";
import { ThemisError, TimeoutError, TooLargeError } from "./errors.js";
import type { Freshness } from "./freshness.js";
import { isBatchResponse } from "./shapes.js";
import type { Endpoint } from "./transport/message.js";
import type { Urn } from "./urn.js";
import { type Hash64, hashText, xxh64Halves } from "./xxh64.js";

const BATCH_ITEMS_MAX = 10_000;
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
// `{"items":[` and `]}`, and a little: what a request has beyond its items.
const ENVELOPE_BYTES = 32;
const KEY_CHARS_MAX = 255;

/** One item on its way: its place, its name, and its piece of the request's JSON. */
export interface Item {
  readonly index: number;
  readonly urn: Urn;
  readonly text: string;
  readonly hash: Hash64;
  readonly encoded: string;
  /** The length of `encoded` in UTF-8. */
  readonly bytes: number;
}

/** What became of an item: what the server said of it, or why that is not known. */
export type Outcome = BatchItem | BatchFailure;

/** What all requests of one logical batch share. */
export interface Job {
  readonly operation: Operation;
  /** How the request's JSON begins, up to the first item. */
  readonly opening: string;
  readonly target: string;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly repeatable: boolean;
  readonly read: Freshness;
  /** No URN occurs twice, or order does not matter: requests may run side by side and items be sent again. */
  readonly independent: boolean;
  /** What is left could not be served by replicas. */
  readonly toLeader?: boolean;
}

/** What one request came to: an outcome for each of its items, or the error that all of them share. */
export interface Sent {
  readonly items: readonly Item[];
  readonly outcomes: readonly Outcome[];
  readonly error?: ThemisError;
  readonly answer?: Answer;
}

/** Requests to be sent one after the other. */
export interface Turn {
  readonly chunks: readonly (readonly Item[])[];
  /** Names the round in the keys of its requests; null: they are sent under the caller's own key. */
  readonly part: string | null;
  /** Whom to ask first; null: whom the router chooses. */
  readonly node: Endpoint | null;
}

/** Group items by node and cut the groups into requests. */
export function cutRequests(core: Core, job: Job, items: readonly Item[], round: number): Turn[] {
  const isNear = job.read.anyReplica && job.toLeader !== true;
  const byNode = groupedByNode(core, items, isNear).map((group) => ({ node: group.node, chunks: cut(group.items) }));
  // What fits into one request is sent under the caller's own key.
  const whole = round === 0 && byNode.length === 1 && byNode[0]?.chunks.length === 1;
  const part = whole ? null : String(round);
  if (job.independent) {
    return byNode.flatMap(({ node, chunks }) => chunks.map((chunk) => ({ chunks: [chunk], part, node })));
  }
  // A URN occurs twice: its writes happen in their order, so the requests to its node do.
  return byNode.map(({ node, chunks }) => ({ chunks, part, node }));
}

/** Send requests one after the other; one that fails does not keep the next from being sent. */
export async function inTurn(
  core: Core,
  job: Job,
  chunks: readonly (readonly Item[])[],
  part: string | null,
  node: Endpoint | null,
): Promise<Sent[]> {
  const found: Sent[] = [];
  for (const chunk of chunks) {
    try {
      found.push(...(await send(core, job, chunk, part, node)));
    } catch (error) {
      if (!(error instanceof ThemisError)) {
        throw error;
      }
      const outcomes = chunk.map((item) => new BatchFailure(item.index, item.text, error));
      found.push({ items: chunk, outcomes, error });
    }
  }
  return found;
}

/** Items of one node, null where none is known for them. */
interface Group {
  readonly node: Endpoint | null;
  readonly items: Item[];
}

/** Items whose shards are at the same node travel together: a node answers for all of its shards at once. */
function groupedByNode(core: Core, items: readonly Item[], isNear: boolean): Group[] {
  const { view } = core.router;
  if (view === null) {
    return [{ node: null, items: [...items] }];
  }
  const byUrl = new Map<string, Group>();
  const byShard = new Map<string, Group>();
  for (const item of items) {
    const shardId = view.shardOf(item.hash);
    let group = byShard.get(shardId);
    if (group === undefined) {
      const node = (isNear ? nearOne(core, shardId, byUrl) : null) ?? core.router.leaderOf(shardId);
      const url = node?.url ?? "";
      group = byUrl.get(url) ?? { node, items: [] };
      byUrl.set(url, group);
      byShard.set(shardId, group);
    }
    group.items.push(item);
  }
  return [...byUrl.values()];
}

/** A near replica of a shard: one that is asked for others already, so that requests are few; null if none is known. */
function nearOne(core: Core, shardId: string, taken: ReadonlyMap<string, unknown>): Endpoint | null {
  const nearest = core.router.nearest(shardId);
  const drawn = nearest[Math.floor(core.world.uniform() * nearest.length)];
  return nearest.find(({ url }) => taken.has(url)) ?? drawn ?? null;
}

/** Cut at 10,000 items and at 8 MiB. An item that is too large by itself travels alone, to be refused alone. */
function cut(items: readonly Item[]): Item[][] {
  const chunks: Item[][] = [];
  let chunk: Item[] = [];
  let bytes = BATCH_BYTES_MAX;
  for (const item of items) {
    if (bytes + item.bytes + 1 > BATCH_BYTES_MAX || chunk.length >= BATCH_ITEMS_MAX) {
      chunk = [];
      chunks.push(chunk);
      bytes = ENVELOPE_BYTES;
    }
    chunk.push(item);
    bytes += item.bytes + 1;
  }
  return chunks;
}

async function send(
  core: Core,
  job: Job,
  chunk: readonly Item[],
  part: string | null,
  node: Endpoint | null,
): Promise<Sent[]> {
  const body = `${job.opening}${chunk.map((item) => item.encoded).join(",")}]}`;
  const timeoutMs = job.deadline - core.world.clock();
  if (timeoutMs <= 0) {
    const summary = `${job.operation.operationId} was not sent in time`;
    throw new TimeoutError(summary, { attempts: 0, requestId: "-" });
  }
  let answer: Answer;
  try {
    answer = await perform(core, {
      operation: job.operation,
      target: job.target,
      timeoutMs,
      signal: job.signal,
      headers: part === null ? job.headers : withPartKey(job.headers, part, body),
      body,
      hash: (chunk[0] as Item).hash,
      repeatable: job.repeatable,
      read: job.read,
      first: node ?? undefined,
      toLeader: job.toLeader ?? false,
    });
  } catch (error) {
    if (!(error instanceof TooLargeError) || chunk.length === 1 || error.code === "document_too_large") {
      throw error;
    }
    // This server allows less than we assumed.
    const middle = chunk.length >>> 1;
    return inTurn(core, job, [chunk.slice(0, middle), chunk.slice(middle)], part ?? "0", node);
  }
  return [{ items: chunk, outcomes: outcomesOf(core, answer, chunk.length), answer }];
}

/**
 * One of several requests of a batch: the batch's key, its round and a digest of its content, for a key of its own.
 *
 * The round, because an item sent again is not to be answered with the failure of the first time. The digest makes a
 * repeated batch that is cut in the same way find its earlier answers, and one that is cut in another way start afresh
 * instead of being refused.
 */
function withPartKey(
  headers: Readonly<Record<string, string>>,
  part: string,
  body: string,
): Readonly<Record<string, string>> {
  const key = headers["Idempotency-Key"];
  if (key === undefined) {
    return headers;
  }
  const suffix = `.${part}.${digest(body)}`;
  const whole = key + suffix;
  return { ...headers, "Idempotency-Key": whole.length > KEY_CHARS_MAX ? digest(key) + suffix : whole };
}

function digest(text: string): string {
  return hashText(xxh64Halves(new TextEncoder().encode(text)));
}

function outcomesOf(core: Core, answer: Answer, expected: number): readonly BatchItem[] {
  const { items } = decoded(core, answer, isBatchResponse, "batch answer");
  if (items.length !== expected) {
    throw answer.malformed(`it has ${String(items.length)} items instead of ${String(expected)}`);
  }
  return items;
}
