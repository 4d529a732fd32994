/**
 * Many entities with few requests.
 *
 * Items are grouped by the node that leads their shard (for a read that may lag: by a near one that has a replica of it),
 * packed into requests that stay below the server's limits, sent side by side, and put back into the order asked. A batch
 * is no transaction: each item succeeds or fails on its own, and no item's failure is thrown: `BatchResult` tells what
 * became of each.
 *
 * Items that failed for a passing reason (no leader just now, moved to another shard, answer too large) are sent again,
 * within the same deadline. A write whose outcome is unknown is not: it would need the whole request's key.
 */

import type { BatchItem } from "./_generated/models.js";
import { type Operation, OPERATIONS } from "./_generated/operations.js";
import { cutRequests, inTurn, type Item, type Job, type Outcome, type Sent } from "./batch_requests.js";
import { BatchFailure, BatchGetResult, type BatchPlace, BatchResult } from "./batch_result.js";
import { withQuery } from "./collections.js";
import type { Answer, Core } from "./core.js";
import { type Document, keyHeader, limitsOf, meansAbsent, VERSION_MAX, type WriteResult } from "./entities.js";
import { apiError, ConfigurationError, EncodingError, InvalidUrnError } from "./errors.js";
import { STRONG } from "./freshness.js";
import { encodeDocument, utf8Length } from "./json.js";
import type { ReadOptions, WriteOptions } from "./options.js";
import { keyHalves } from "./placement.js";
import type { Urn } from "./urn.js";

const TOPOLOGY_TIMEOUT_MS = 5000;
const MOVED_CODES: ReadonlySet<string> = new Set(["wrong_shard", "no_leader", "node_unreachable", "stale_epoch"]);
const NO_FAULT = "batch_response_limit";

/** An item to put: a name, its document, and perhaps a version it must have: 0 for "must not exist". */
export type PutItem<N = string> =
  readonly [name: N, document: object] | readonly [name: N, document: object, ifMatch: number | undefined];

/** What batchPut takes: an object or a Map of documents by name, or a list of tuples. */
export type PutItems<N = string> = Readonly<Record<string, object>> | Iterable<PutItem<N>>;

/** An item to delete: a name, or a name and the version it must have. */
export type DeleteItem<N = string> = N | readonly [name: N, ifMatch: number | undefined];

/** A name as the caller wrote it becomes a URN; throws InvalidUrnError. */
export type MakeUrn = (name: string | Urn) => Urn;

/** One item as it was given. */
interface Entry {
  readonly name: string | Urn;
  readonly document?: object;
  readonly ifMatch?: number | undefined;
}

/** What has become of each item so far, and in which answer it was said. */
class Board {
  readonly outcomes: (Outcome | undefined)[];
  readonly #answers: (Answer | undefined)[];

  constructor(asked: number) {
    this.outcomes = new Array<undefined>(asked);
    this.#answers = new Array<undefined>(asked);
  }

  note(index: number, outcome: Outcome, answer: Answer | undefined): void {
    this.outcomes[index] = outcome;
    this.#answers[index] = answer;
  }

  code(item: Item): string {
    return codeOf(this.outcomes[item.index]);
  }

  /** The longest wait that any of these items was told to make. */
  retryAfterMs(items: readonly Item[]): number | null {
    const asked = items.flatMap((item) => itemOf(this.outcomes[item.index])?.error?.retry_after_s ?? []);
    return asked.length === 0 ? null : Math.max(...asked) * 1000;
  }

  failure(index: number, name: string): BatchFailure {
    const outcome = this.outcomes[index];
    if (outcome instanceof BatchFailure) {
      return outcome;
    }
    const answer = this.#answers[index];
    const facts = { attempts: answer?.attempts ?? 0, requestId: answer?.requestId ?? "-" };
    const error = outcome?.error;
    if (error === undefined) {
      const problem = { title: "Malformed item", detail: "the item has neither a result nor an error" };
      return new BatchFailure(index, name, apiError(200, problem, facts));
    }
    return new BatchFailure(index, name, apiError(error.status, { ...error }, facts));
  }
}

/** Read many. */
export async function batchGet(
  core: Core,
  makeUrn: MakeUrn,
  names: Iterable<string | Urn>,
  options: ReadOptions,
): Promise<BatchGetResult> {
  const operation = OPERATIONS.batchGet;
  const entries = listed(names, (name): Entry => ({ name }));
  const { timeoutMs, signal } = limitsOf(core, options);
  const read = core.options.read.under(options);
  const job: Job = {
    operation,
    opening: '{"urns":[',
    target: withQuery(operation.path, read.parameters),
    deadline: core.world.clock() + timeoutMs,
    signal,
    headers: { "Content-Type": "application/json" },
    repeatable: true,
    read,
    independent: true,
  };
  const board = new Board(entries.length);
  const items = collect(makeUrn, entries, (urn) => `"${urn}"`, board);
  const urns = urnsByIndex(items, entries.length);
  await run(core, job, items, board);
  return new BatchGetResult(
    board.outcomes.map((outcome, index): BatchPlace => {
      const found = itemOf(outcome);
      const urn = urns[index];
      if (urn !== undefined && found?.version !== undefined && found.doc !== undefined) {
        return { urn, version: found.version, doc: found.doc, role: null, lagMs: null, node: null };
      }
      // A read from where nothing was ever written finds nothing; that is how get() sees it, too.
      const absent = urn !== undefined && meansAbsent(codeOf(outcome));
      return absent ? urn : board.failure(index, String(urn ?? (entries[index] as Entry).name));
    }),
  );
}

/** Write many. */
export async function batchPut(
  core: Core,
  makeUrn: MakeUrn,
  items: PutItems<string | Urn>,
  options: WriteOptions,
): Promise<BatchResult<WriteResult>> {
  return write(core, OPERATIONS.batchPut, makeUrn, putEntries(items), options, (urn, { document, ifMatch }) => {
    return `{"urn":"${urn}","doc":${encodeDocument(document)}${condition(ifMatch)}}`;
  });
}

/** Delete many. */
export async function batchDelete(
  core: Core,
  makeUrn: MakeUrn,
  items: Iterable<DeleteItem<string | Urn>>,
  options: WriteOptions,
): Promise<BatchResult<WriteResult>> {
  const entries = listed(items, (item): Entry => {
    // A Urn of another copy of this package (ESM and CommonJS in one program) is a name, too.
    const [name, ifMatch] = Array.isArray(item) ? (item as [string | Urn, number | undefined]) : [item as string | Urn];
    return { name, ifMatch };
  });
  return write(core, OPERATIONS.batchDelete, makeUrn, entries, options, (urn, { ifMatch }) => {
    return `{"urn":"${urn}"${condition(ifMatch)}}`;
  });
}

async function write(
  core: Core,
  operation: Operation,
  makeUrn: MakeUrn,
  entries: readonly Entry[],
  options: WriteOptions,
  encode: (urn: string, entry: Entry) => string,
): Promise<BatchResult<WriteResult>> {
  const { timeoutMs, signal } = limitsOf(core, options);
  const deadline = core.world.clock() + timeoutMs;
  const key = keyHeader(core, options.idempotencyKey);
  const board = new Board(entries.length);
  const items = collect(makeUrn, entries, encode, board);
  const job: Job = {
    operation,
    opening: '{"items":[',
    target: operation.path,
    deadline,
    signal,
    headers: { ...key, "Content-Type": "application/json" },
    repeatable: "Idempotency-Key" in key,
    read: STRONG,
    // An item sent again could overtake another one with the same URN.
    independent: new Set(items.map((item) => item.text)).size === items.length,
  };
  const urns = urnsByIndex(items, entries.length);
  await run(core, job, items, board);
  const ok: WriteResult[] = [];
  const missing: Urn[] = [];
  const failed: BatchFailure[] = [];
  for (const [index, outcome] of board.outcomes.entries()) {
    const found = itemOf(outcome);
    const urn = urns[index];
    if (urn !== undefined && found?.version !== undefined && found.error === undefined) {
      ok.push({ urn, version: found.version, created: null, replayed: false });
    } else if (urn !== undefined && operation === OPERATIONS.batchDelete && meansAbsent(codeOf(outcome))) {
      missing.push(urn);
    } else {
      failed.push(board.failure(index, String(urn ?? (entries[index] as Entry).name)));
    }
  }
  return new BatchResult(ok, missing, failed, entries.length);
}

/** Name and encode each item; one that cannot be is its own failure. */
function collect(
  makeUrn: MakeUrn,
  entries: readonly Entry[],
  encode: (urn: string, entry: Entry) => string,
  board: Board,
): Item[] {
  const items: Item[] = [];
  for (const [index, entry] of entries.entries()) {
    let text = String(entry.name);
    try {
      const urn = makeUrn(entry.name);
      text = urn.toString();
      const encoded = encode(text, entry);
      items.push({ index, urn, text, hash: keyHalves(urn.uuid), encoded, bytes: utf8Length(encoded) });
    } catch (error) {
      const isItems =
        error instanceof InvalidUrnError || error instanceof EncodingError || error instanceof ConfigurationError;
      if (!isItems) {
        throw error;
      }
      board.note(index, new BatchFailure(index, text, error), undefined);
    }
  }
  return items;
}

/** Rounds: everything once, then what may be tried again. */
async function run(core: Core, job: Job, items: readonly Item[], board: Board): Promise<void> {
  const { router, world } = core;
  if (items.length > 0 && router.wantsTopology) {
    core.checkOpen();
    await core.topology.load(Math.min(job.deadline - world.clock(), TOPOLOGY_TIMEOUT_MS), job.signal);
  }
  const policy = core.options.retry;
  let retries = 0;
  let pending = items;
  for (let round = 0; pending.length > 0; round++) {
    const asked = pending;
    // What a replica could not answer is asked of the leaders, however often.
    const jobOfRound = round === 0 ? job : { ...job, toLeader: true };
    const sent = await sideBySide(
      cutRequests(core, jobOfRound, asked, round).map(
        ({ chunks, part, node }) =>
          () =>
            inTurn(core, jobOfRound, chunks, part, node),
      ),
      core.options.parallel,
    );
    const [first] = sent;
    if (retries === 0 && first?.error !== undefined && sent.every((request) => request.error !== undefined)) {
      // Not one request was answered: that is the call's failure, not the items'.
      throw first.error;
    }
    pending = settle(job, sent, board);
    if (pending.length < asked.length && pending.every((item) => board.code(item) === NO_FAULT)) {
      // The answer was full: what is left is asked for at once, and is no retry.
      continue;
    }
    retries++;
    const waitMs = policy.waitMs(retries, board.retryAfterMs(pending), world.uniform);
    const late = world.clock() + waitMs >= job.deadline;
    if (retries > policy.retriesMax || late || !core.options.budget.spend()) {
      return;
    }
    if (pending.some((item) => MOVED_CODES.has(board.code(item)))) {
      core.topology.refreshWanted();
    }
    await world.sleep(waitMs, job.signal);
  }
}

/** Run tasks, at most so many at once; throws what the first of them threw, once all have ended. */
async function sideBySide<T>(tasks: readonly (() => Promise<T[]>)[], parallel: number): Promise<T[]> {
  const found: T[][] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let task = next++; task < tasks.length; task = next++) {
      found[task] = await (tasks[task] as () => Promise<T[]>)();
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(parallel, tasks.length) }, work));
  for (const worker of workers) {
    if (worker.status === "rejected") {
      throw worker.reason;
    }
  }
  return found.flat();
}

/** Note what became of each item; returns those to send again. */
function settle(job: Job, sent: readonly Sent[], board: Board): Item[] {
  const again: Item[] = [];
  for (const { items, outcomes, answer } of sent) {
    for (const [place, item] of items.entries()) {
      const outcome = outcomes[place] as Outcome;
      board.note(item.index, outcome, answer);
      const error = itemOf(outcome)?.error;
      if (error?.retryable !== true || !job.independent) {
        continue;
      }
      if (!job.operation.idempotent && error.code === "outcome_unknown") {
        continue;
      }
      again.push(item);
    }
  }
  return again;
}

function itemOf(outcome: Outcome | undefined): BatchItem | undefined {
  return outcome instanceof BatchFailure ? undefined : outcome;
}

function codeOf(outcome: Outcome | undefined): string {
  return itemOf(outcome)?.error?.code ?? "";
}

function urnsByIndex(items: readonly Item[], asked: number): (Urn | undefined)[] {
  const urns = new Array<Urn | undefined>(asked);
  for (const item of items) {
    urns[item.index] = item.urn;
  }
  return urns;
}

function condition(ifMatch: number | undefined): string {
  if (ifMatch === undefined) {
    return "";
  }
  if (!Number.isSafeInteger(ifMatch) || ifMatch < 0 || ifMatch > VERSION_MAX) {
    throw new ConfigurationError(`ifMatch is a version, or 0 for "must not exist", not ${String(ifMatch)}`);
  }
  return `,"if_match":${String(ifMatch)}`;
}

function putEntries(items: PutItems<string | Urn>): Entry[] {
  if (isIterable(items)) {
    return listed(items as Iterable<unknown>, (item): Entry => {
      if (!Array.isArray(item) || (item.length !== 2 && item.length !== 3)) {
        throw new ConfigurationError("an item to put is [uuid, document] or [uuid, document, ifMatch]");
      }
      const [name, document, ifMatch] = item as [string | Urn, object, number | undefined];
      return { name, document, ifMatch };
    });
  }
  // What is awaited too late, an async iterator, or a Urn has no entries: that would be an empty batch.
  const prototype: unknown = Object.getPrototypeOf(items);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new ConfigurationError("a batch of writes is an object of documents by uuid, a Map, or a list of tuples");
  }
  return Object.entries(items as Readonly<Record<string, Document>>).map(([name, document]) => ({ name, document }));
}

function listed<T>(items: Iterable<T>, entry: (item: T) => Entry): Entry[] {
  // A string is an iterable of strings: 36 one-letter uuids are never what was meant.
  if (!isIterable(items)) {
    throw new ConfigurationError("a batch takes a list, not a single name");
  }
  return Array.from(items, entry);
}

function isIterable(items: unknown): boolean {
  if (typeof items !== "object" || items === null) {
    throw new ConfigurationError("a batch takes a list, not a single name");
  }
  return Symbol.iterator in items;
}
