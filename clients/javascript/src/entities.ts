/** Operations on one entity. */

import { type OperationId, OPERATIONS } from "./_generated/operations.js";
import { type Answer, type Call, type Core, perform } from "./core.js";
import { ConfigurationError } from "./errors.js";
import { newId } from "./ids.js";
import { decodeJson, decodeUtf8, encodeDocument } from "./json.js";
import {
  type CallOptions,
  checkIdempotencyKey,
  checkSignal,
  checkTimeout,
  type IdempotencyKey,
  type ReadOptions,
  type WriteOptions,
} from "./options.js";
import { keyHalves } from "./placement.js";
import { isObject, type Shape } from "./shapes.js";
import type { Urn } from "./urn.js";

/** A JSON object. */
export type Document = Record<string, unknown>;

/** One version, several, or "*" for any. */
export type VersionMatch = number | Iterable<number> | "*";

/** What a conditional read answers when the entity still has the version given. Compare with `===`. */
export const NOT_MODIFIED: unique symbol = Symbol.for("themis-js.NOT_MODIFIED");

/** The type of NOT_MODIFIED. */
export type NotModified = typeof NOT_MODIFIED;

/** An entity as it was read. */
export interface Entity<T = Document> {
  /** Its name. */
  readonly urn: Urn;
  /** The version that was read. */
  readonly version: number;
  /** The document. */
  readonly doc: T;
  /** Which replica answered: "leader", "follower" or "learner"; null where the answer does not say. */
  readonly role: string | null;
  /** How far behind that replica may be, in milliseconds; null where the answer does not say. */
  readonly lagMs: number | null;
  /** The id of the node it is on; null where the answer does not say. */
  readonly node: string | null;
}

/** A write that happened. */
export interface WriteResult {
  /** What was written. */
  readonly urn: Urn;
  /** The version it has now; for a deletion, the version of that. */
  readonly version: number;
  /** Whether there was no entity before; null where the answer does not say (batches). */
  readonly created: boolean | null;
  /** Whether this answers an earlier request with the same idempotency key. */
  readonly replayed: boolean;
}

/** Options of `getEntity`. */
export interface GetEntityOptions extends ReadOptions {
  /** A version you have, or several: NOT_MODIFIED is answered when the entity still has it. */
  readonly ifNoneMatch?: VersionMatch;
}

/** Options of `put`. */
export interface PutOptions extends WriteOptions {
  /** Only if the entity has this version (or one of these); else PreconditionFailedError. */
  readonly ifMatch?: VersionMatch;
  /** "*": only if there is no entity yet; else PreconditionFailedError. */
  readonly ifNoneMatch?: "*";
}

/** Options of `patch` and `delete`. */
export interface ChangeOptions extends WriteOptions {
  /** Only if the entity has this version (or one of these); else PreconditionFailedError. */
  readonly ifMatch?: VersionMatch;
}

/** The greatest version. */
export const VERSION_MAX = Number.MAX_SAFE_INTEGER;

const BEFORE_URN = OPERATIONS.getEntity.path.replace("{urn}", "");
const JSON_TYPE = "application/json";
const MERGE_PATCH_TYPE = "application/merge-patch+json";
const READ_EXPECTED: ReadonlySet<number> = new Set([304, 404]);
const DELETE_EXPECTED: ReadonlySet<number> = new Set([404]);
// A 404 of these codes means "no such entity"; any other (a wrong base path, a proxy) is an error.
const ABSENT_CODES: ReadonlySet<string> = new Set(["entity_not_found", "collection_not_found", "namespace_not_found"]);
const ETAG = /^"([1-9][0-9]{0,15})"$/;

/** The document, null when there is no such entity. */
export async function get(core: Core, urn: Urn, options: ReadOptions): Promise<Document | null> {
  const answer = await perform(core, readCall(core, "getEntity", urn, options, {}));
  return isAbsent(answer) ? null : documentOf(core, answer);
}

/** The document with its version, NOT_MODIFIED, or null. */
export async function getEntity(core: Core, urn: Urn, options: GetEntityOptions): Promise<Entity | NotModified | null> {
  const { ifNoneMatch } = options;
  const headers: Record<string, string> = {};
  if (ifNoneMatch !== undefined) {
    headers["If-None-Match"] = formatEtags(ifNoneMatch, "ifNoneMatch");
  }
  const answer = await perform(core, readCall(core, "getEntity", urn, options, headers));
  if (isAbsent(answer)) {
    return null;
  }
  const { response } = answer;
  if (response.status === 304) {
    if (ifNoneMatch === undefined) {
      throw answer.malformed("nothing was asked conditionally");
    }
    return NOT_MODIFIED;
  }
  const lag = response.headers["themis-lag-ms"] ?? "";
  return {
    urn,
    version: versionOf(answer),
    doc: documentOf(core, answer),
    role: response.headers["themis-role"] ?? null,
    lagMs: /^\d{1,15}$/.test(lag) ? Number(lag) : null,
    node: response.headers["themis-node"] ?? null,
  };
}

/** Whether there is such an entity. */
export async function exists(core: Core, urn: Urn, options: ReadOptions): Promise<boolean> {
  const answer = await perform(core, readCall(core, "headEntity", urn, options, {}));
  if (answer.response.status !== 404) {
    return true;
  }
  const code = answer.problemCode();
  // A node of an earlier release does not say why.
  if (code !== "" && !meansAbsent(code)) {
    throw answer.error();
  }
  return false;
}

/** Create or replace. */
export async function put(core: Core, urn: Urn, data: object, options: PutOptions): Promise<WriteResult> {
  const headers: Record<string, string> = { "Content-Type": JSON_TYPE };
  addIfMatch(headers, options.ifMatch);
  if (options.ifNoneMatch !== undefined) {
    if ((options.ifNoneMatch as unknown) !== "*") {
      throw new ConfigurationError('ifNoneMatch of a write is "*": only if there is no entity yet');
    }
    headers["If-None-Match"] = "*";
  }
  const call = writeCall(core, "putEntity", urn, headers, encodeDocument(data), options);
  const answer = await perform(core, call);
  return writtenBy(answer, urn, answer.response.status === 201);
}

/** Merge changes into an existing entity (RFC 7396). */
export async function patch(core: Core, urn: Urn, changes: object, options: ChangeOptions): Promise<WriteResult> {
  const headers: Record<string, string> = { "Content-Type": MERGE_PATCH_TYPE };
  addIfMatch(headers, options.ifMatch);
  const call = writeCall(core, "patchEntity", urn, headers, encodeDocument(changes), options);
  return writtenBy(await perform(core, call), urn, false);
}

/** Delete; null when there was nothing to delete. */
export async function remove(core: Core, urn: Urn, options: ChangeOptions): Promise<WriteResult | null> {
  const headers: Record<string, string> = {};
  addIfMatch(headers, options.ifMatch);
  const call = { ...writeCall(core, "deleteEntity", urn, headers, "", options), expected: DELETE_EXPECTED };
  const answer = await perform(core, call);
  return isAbsent(answer) ? null : writtenBy(answer, urn, false);
}

/** What ends a call early: its own time limit, or the client's, and its signal. */
export function limitsOf(core: Core, { timeout, signal }: CallOptions): Pick<Call, "timeoutMs" | "signal"> {
  return {
    timeoutMs: timeout === undefined ? core.options.timeoutMs : checkTimeout(timeout),
    signal: checkSignal(signal),
  };
}

/** The Idempotency-Key of one logical write: the caller's, a new one, or none. */
export function keyHeader(core: Core, key: IdempotencyKey | undefined): Record<string, string> {
  if (key === undefined) {
    return core.options.idempotencyKeys ? { "Idempotency-Key": newId() } : {};
  }
  return key === false ? {} : { "Idempotency-Key": checkIdempotencyKey(key) };
}

/** The body of an answer as one of the specification's records. */
export function decoded<T>(core: Core, answer: Answer, shape: Shape<T>, what: string): T {
  let value: unknown;
  try {
    value = decodeJson(decodeUtf8(answer.response.body), core.options.integers);
  } catch {
    // What the parser says would repeat the data.
    throw answer.malformed("its body is no JSON");
  }
  if (!shape(value)) {
    throw answer.malformed(`its body is no ${what}`);
  }
  return value;
}

/** Whether a code of the server means that there is no such entity. */
export function meansAbsent(code: string): boolean {
  return ABSENT_CODES.has(code);
}

function readCall(
  core: Core,
  operationId: OperationId,
  urn: Urn,
  options: ReadOptions,
  headers: Readonly<Record<string, string>>,
): Call {
  const read = core.options.read.under(options);
  const path = BEFORE_URN + urn.quoted();
  return {
    operation: OPERATIONS[operationId],
    target: read.parameters.length === 0 ? path : `${path}?${read.parameters.join("&")}`,
    ...limitsOf(core, options),
    headers,
    hash: keyHalves(urn.uuid),
    expected: READ_EXPECTED,
    read,
    oneEntity: true,
  };
}

function writeCall(
  core: Core,
  operationId: OperationId,
  urn: Urn,
  headers: Readonly<Record<string, string>>,
  body: string,
  options: WriteOptions,
): Call {
  const key = keyHeader(core, options.idempotencyKey);
  return {
    operation: OPERATIONS[operationId],
    target: BEFORE_URN + urn.quoted(),
    ...limitsOf(core, options),
    headers: { ...headers, ...key },
    body,
    hash: keyHalves(urn.uuid),
    oneEntity: true,
    repeatable: "Idempotency-Key" in key,
  };
}

/** Whether the answer is a 404 that says "no such entity"; throws if it says something else. */
function isAbsent(answer: Answer): boolean {
  if (answer.response.status !== 404) {
    return false;
  }
  if (!ABSENT_CODES.has(answer.problemCode())) {
    throw answer.error();
  }
  return true;
}

/** The version in a strong entity tag, null when it is none. */
export function parseEtag(text: string): number | null {
  const version = Number(ETAG.exec(text)?.[1] ?? 0);
  return version > 0 && version <= VERSION_MAX ? version : null;
}

/** The value of If-Match or If-None-Match; throws ConfigurationError, which says `what`. */
export function formatEtags(match: VersionMatch, what: string): string {
  if (match === "*") {
    return "*";
  }
  if (
    typeof match !== "number" &&
    !(typeof match === "object" && (match as unknown) !== null && Symbol.iterator in match)
  ) {
    throw new ConfigurationError(`${what} is a version, several, or "*"`);
  }
  const versions = typeof match === "number" ? [match] : [...match];
  if (versions.length === 0) {
    throw new ConfigurationError(`${what} names no version`);
  }
  for (const version of versions) {
    if (!Number.isSafeInteger(version) || version < 1) {
      throw new ConfigurationError(`${what} is a version, several, or "*", not ${String(version)}`);
    }
  }
  return versions.map((version) => `"${String(version)}"`).join(", ");
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function addIfMatch(headers: Record<string, string>, ifMatch: VersionMatch | undefined): void {
  if (ifMatch !== undefined) {
    headers["If-Match"] = formatEtags(ifMatch, "ifMatch");
  }
}

function versionOf(answer: Answer): number {
  // A proxy that compresses makes a tag weak; it is the same version.
  const version = parseEtag((answer.response.headers["etag"] ?? "").replace(/^W\//, ""));
  if (version === null) {
    throw answer.malformed("its ETag is no version");
  }
  return version;
}

function documentOf(core: Core, answer: Answer): Document {
  return decoded(core, answer, isObject, "JSON object");
}

function writtenBy(answer: Answer, urn: Urn, created: boolean): WriteResult {
  let version: unknown;
  try {
    const body = decodeJson(decodeUtf8(answer.response.body));
    version = isObject(body) ? body["version"] : undefined;
  } catch {
    throw answer.malformed("its body is no JSON");
  }
  if (!isVersion(version)) {
    throw answer.malformed("its body is no write result");
  }
  const replayed = answer.response.headers["idempotency-replayed"] === "true";
  return { urn, version, created, replayed };
}
