/**
 * Every error the SDK throws, in one tree.
 *
 * ```text
 * ThemisError
 * ├── InvalidUrnError            the text is not the URN of an entity
 * ├── ConfigurationError         options that cannot work
 * ├── EncodingError              data that has no JSON form
 * ├── ClientClosedError          the client was closed
 * ├── TransportError             no answer came: unreachable, connection lost, not HTTP
 * ├── TimeoutError               the call's deadline passed
 * ├── BatchError                 items of a batch failed (raiseForErrors)
 * └── ApiError                   the server answered with an error
 *     ├── BadRequestError        400, 405, 408, 413, 414, 415, 431: the request is at fault
 *     │   └── TooLargeError      413: a limit, named in `limit`
 *     ├── UnauthorizedError      401
 *     ├── ForbiddenError         403
 *     ├── NotFoundError          404
 *     │   ├── EntityNotFoundError
 *     │   ├── NamespaceNotFoundError
 *     │   └── CollectionNotFoundError
 *     ├── ConflictError          409
 *     │   ├── AlreadyExistsError       namespace_exists, collection_exists
 *     │   ├── ModelMismatchError       collection_model_mismatch
 *     │   └── NamespaceNotEmptyError
 *     ├── PreconditionFailedError      412; `version` is the current one, null if there is no entity
 *     ├── IdempotencyKeyReusedError    422
 *     ├── WrongShardError        421; normally followed, never seen
 *     ├── TooManyRequestsError   429; `retryAfterMs`
 *     └── ServerError            5xx
 *         ├── UnavailableError         503: not_ready, shutting_down, no_leader, node_unreachable, ...
 *         │   ├── LagExceededError         no replica is fresh enough; `limit`, `lagMs`
 *         │   └── SessionNotReachedError   no replica has what this client has seen
 *         ├── OutcomeUnknownError      504: the write may or may not have happened
 *         └── DiskFullError            507
 * ```
 *
 * Errors of a call say how often it was tried (`attempts`), under which id (`requestId`), and, of a write, whether it
 * may have happened all the same (`outcomeUnknown`). No error holds a token or a document.
 *
 * `instanceof` is also true of errors from another copy of this package: a program may hold its ESM and its CommonJS side.
 *
 * A call that is cancelled through its `signal` rejects with the signal's reason, which is none of these.
 */

import type { BatchFailure } from "./batch_result.js";
import type { FailureKind } from "./transport/message.js";

const UNKNOWN = "; the outcome is unknown: the write may have happened";

/** The root: `error instanceof ThemisError` is true of whatever this package throws on purpose. */
export class ThemisError extends Error {
  /** Everything it says, for logs: JSON.stringify leaves the name and message of other errors out. */
  toJSON(): Record<string, unknown> {
    return { name: this.name, message: this.message, ...(this as object) };
  }
}

/** Which part of a URN was refused (or is missing); the same words in every SDK. */
export type InvalidUrnReason = "scheme" | "nid" | "model" | "namespace" | "collection" | "uuid" | "nil_uuid";

/** The text is not the URN of an entity. */
export class InvalidUrnError extends ThemisError {
  /** Which part is wrong. */
  readonly reason: InvalidUrnReason;
  /** The index of the first character that cannot stay; the length of the text if something is missing at its end. */
  readonly position: number;

  /** @internal */
  constructor(reason: InvalidUrnReason, position: number, detail: string) {
    super(`${detail} (at character ${String(position)})`);
    this.reason = reason;
    this.position = position;
  }
}

/** An option of the client, or an argument of a call, that cannot work. */
export class ConfigurationError extends ThemisError {}

/** A document that is no JSON object, or holds what JSON cannot express. */
export class EncodingError extends ThemisError {}

/** The client was used after it was closed. */
export class ClientClosedError extends ThemisError {}

/** What errors of a call know of its course. */
export interface CallFacts {
  /** How often the call was tried. */
  readonly attempts: number;
  /** The id its requests carried (X-Request-Id), under which the server logged them. */
  readonly requestId: string;
  /** Whether it is a write that may have happened although the call failed. */
  readonly outcomeUnknown?: boolean;
}

/** What the errors of one logical call have in common. */
export abstract class CallError extends ThemisError implements CallFacts {
  /** The message without attempts and request id. */
  readonly summary: string;
  readonly attempts: number;
  readonly requestId: string;
  readonly outcomeUnknown: boolean;

  /** @internal */
  constructor(summary: string, facts: CallFacts, cause?: unknown) {
    const { attempts, requestId, outcomeUnknown = false } = facts;
    const times = attempts === 1 ? "1 attempt" : `${String(attempts)} attempts`;
    const text = `${summary}${outcomeUnknown ? UNKNOWN : ""} [${times}, request ${requestId}]`;
    super(text, cause === undefined ? undefined : { cause });
    this.summary = summary;
    this.attempts = attempts;
    this.requestId = requestId;
    this.outcomeUnknown = outcomeUnknown;
  }
}

/** No answer came, or none that makes sense. */
export class TransportError extends CallError {
  /** What went wrong on the way: connect, lost or protocol. */
  readonly kind: Exclude<FailureKind, "timeout">;
  /** The endpoint that was tried last. */
  readonly endpoint: string;

  /** @internal */
  constructor(
    summary: string,
    kind: Exclude<FailureKind, "timeout">,
    endpoint: string,
    facts: CallFacts,
    cause?: unknown,
  ) {
    super(summary, facts, cause);
    this.kind = kind;
    this.endpoint = endpoint;
  }
}

/** The deadline of the call (`timeout`) passed, all attempts and waits included. */
export class TimeoutError extends CallError {}

/** A problem document (RFC 9457), as far as it was there: an answer may come from a proxy and be anything. */
export type ProblemDocument = Readonly<Record<string, unknown>>;

/** What an `ApiError` is made from. */
interface ApiFacts extends CallFacts {
  readonly status: number;
  readonly problem: ProblemDocument;
  readonly retryable: boolean;
}

/** The server answered with an error. */
export class ApiError extends CallError {
  /** The stable code (see `ErrorCode`), "" when the answer was no problem document. */
  readonly code: string;
  /** The HTTP status. */
  readonly status: number;
  /** What happened, in short. */
  readonly title: string;
  /** What happened this time. */
  readonly detail: string;
  /** Whether the same request may succeed later. The SDK has already tried as often as it may. */
  readonly retryable: boolean;
  /** The whole problem document: position, pointer, limit, allowed, ... as the code has them. */
  readonly problem: ProblemDocument;

  /** @internal */
  constructor(facts: ApiFacts) {
    const code = text(facts.problem["code"]);
    const title = text(facts.problem["title"]) || `HTTP ${String(facts.status)}`;
    const detail = text(facts.problem["detail"]);
    super(`${String(facts.status)} ${code || title}: ${detail || title}`, facts);
    this.code = code;
    this.status = facts.status;
    this.title = title;
    this.detail = detail;
    this.retryable = facts.retryable;
    this.problem = facts.problem;
  }
}

/** The request itself is at fault; sending it again will not help. */
export class BadRequestError extends ApiError {}

/** 413: beyond a limit of the server. */
export class TooLargeError extends BadRequestError {
  /** The limit that was passed, where the server names it: bytes or items, by `code`. */
  get limit(): number | null {
    return integer(this.problem["limit"]);
  }
}

/** 401: no token, or one that is not accepted (any more). */
export class UnauthorizedError extends ApiError {}

/** 403: the token is good, the permission is missing. */
export class ForbiddenError extends ApiError {}

/** 404. */
export class NotFoundError extends ApiError {}

/** There is no entity with this URN. */
export class EntityNotFoundError extends NotFoundError {}

/** There is no such namespace (and it is not made by a write). */
export class NamespaceNotFoundError extends NotFoundError {}

/** There is no such collection (and it is not made by a write). */
export class CollectionNotFoundError extends NotFoundError {}

/** 409: the state of the catalogue forbids it. */
export class ConflictError extends ApiError {}

/** A namespace or collection of this name exists. */
export class AlreadyExistsError extends ConflictError {}

/** The collection exists with another model. */
export class ModelMismatchError extends ConflictError {}

/** The namespace has collections; `force: true` drops them with it. */
export class NamespaceNotEmptyError extends ConflictError {}

/** 412: the entity does not have the version asked for. */
export class PreconditionFailedError extends ApiError {
  /** The version the entity has now; null if it does not exist. */
  get version(): number | null {
    return integer(this.problem["version"]);
  }
}

/** 422: the key was used for another request. */
export class IdempotencyKeyReusedError extends ApiError {}

/** 421: the node does not own the key. The SDK follows `owner`; this is seen only when it leads nowhere. */
export class WrongShardError extends ApiError {
  /** Who owns the key, by that node's knowledge. */
  get owner(): string | null {
    return typeof this.problem["owner"] === "string" ? this.problem["owner"] : null;
  }

  /** The epoch of that knowledge. */
  get epoch(): number | null {
    return integer(this.problem["epoch"]);
  }
}

/** 429: the server is protecting itself. */
export class TooManyRequestsError extends ApiError {
  /** How long it asked to wait, in milliseconds. */
  get retryAfterMs(): number | null {
    const seconds = this.problem["retry_after_s"];
    return typeof seconds === "number" ? seconds * 1000 : null;
  }
}

/** 5xx. */
export class ServerError extends ApiError {}

/** 503: the node cannot serve this now. */
export class UnavailableError extends ServerError {}

/** No replica that can be reached could prove to be as fresh as a bounded read wants it. */
export class LagExceededError extends UnavailableError {
  /** How far behind it might have been, in milliseconds; null where the server does not say. */
  get limit(): number | null {
    return integer(this.problem["limit"]);
  }

  /** The least lag that a replica could prove, in milliseconds; null if none could. */
  get lagMs(): number | null {
    return integer(this.problem["lag_ms"]);
  }
}

/**
 * No replica that can be reached has what this client has seen already. If that lasts, the cluster is another one, or was
 * restored from a backup: `forgetSession()` begins anew.
 */
export class SessionNotReachedError extends UnavailableError {}

/** 504: the write was accepted, but not confirmed in time: it may or may not have happened. */
export class OutcomeUnknownError extends ServerError {}

/** 507: the node takes no writes until there is space. */
export class DiskFullError extends ServerError {}

/** Some items of a batch failed; the others are done. */
export class BatchError extends ThemisError {
  /** Which items failed, and why. */
  readonly failures: readonly BatchFailure[];
  /** How many items there were. */
  readonly asked: number;

  /** @internal */
  constructor(failures: readonly BatchFailure[], asked: number) {
    const [first] = failures;
    const example = first === undefined ? "" : `: ${first.urn}: ${first.error.message}`;
    const more = failures.length > 1 ? `, and ${String(failures.length - 1)} more` : "";
    super(`${String(failures.length)} of ${String(asked)} items failed${example}${more}`);
    this.failures = failures;
    this.asked = asked;
  }
}

const brands = new Map<unknown, symbol>();

// `constructor.name` does not survive minifiers; a name on the prototype does, and is in stack traces. The brand is what
// copies of this package know each other's errors by.
for (const [name, kind] of Object.entries({
  ThemisError,
  InvalidUrnError,
  ConfigurationError,
  EncodingError,
  ClientClosedError,
  TransportError,
  TimeoutError,
  BatchError,
  ApiError,
  BadRequestError,
  TooLargeError,
  UnauthorizedError,
  ForbiddenError,
  NotFoundError,
  EntityNotFoundError,
  NamespaceNotFoundError,
  CollectionNotFoundError,
  ConflictError,
  AlreadyExistsError,
  ModelMismatchError,
  NamespaceNotEmptyError,
  PreconditionFailedError,
  IdempotencyKeyReusedError,
  WrongShardError,
  TooManyRequestsError,
  ServerError,
  UnavailableError,
  LagExceededError,
  SessionNotReachedError,
  OutcomeUnknownError,
  DiskFullError,
  CallError,
})) {
  const brand = Symbol.for(`themis-js.${name}`);
  brands.set(kind, brand);
  Object.defineProperty(kind.prototype, brand, { value: true });
  Object.defineProperty(kind.prototype, "name", { value: name, configurable: true, writable: true });
}

Object.defineProperty(ThemisError, Symbol.hasInstance, {
  value(this: typeof ThemisError, value: unknown): boolean {
    const brand = brands.get(this);
    if (brand === undefined) {
      // A class that somebody derived from ours.
      return Function.prototype[Symbol.hasInstance].call(this, value);
    }
    return typeof value === "object" && value !== null && brand in value;
  },
});

type ApiErrorKind = new (facts: ApiFacts) => ApiError;

const BY_CODE: ReadonlyMap<string, ApiErrorKind> = new Map<string, ApiErrorKind>([
  ["entity_not_found", EntityNotFoundError],
  ["namespace_not_found", NamespaceNotFoundError],
  ["collection_not_found", CollectionNotFoundError],
  ["namespace_exists", AlreadyExistsError],
  ["collection_exists", AlreadyExistsError],
  ["collection_model_mismatch", ModelMismatchError],
  ["namespace_not_empty", NamespaceNotEmptyError],
  ["outcome_unknown", OutcomeUnknownError],
  ["lag_exceeded", LagExceededError],
  ["session_not_reached", SessionNotReachedError],
]);

const BY_STATUS: ReadonlyMap<number, ApiErrorKind> = new Map<number, ApiErrorKind>([
  [401, UnauthorizedError],
  [403, ForbiddenError],
  [404, NotFoundError],
  [409, ConflictError],
  [412, PreconditionFailedError],
  [413, TooLargeError],
  [421, WrongShardError],
  [422, IdempotencyKeyReusedError],
  [429, TooManyRequestsError],
  [503, UnavailableError],
  [507, DiskFullError],
]);

/**
 * The error of the right class for a problem document, which may come from a proxy and be anything.
 *
 * @internal
 */
export function apiError(
  status: number,
  problem: ProblemDocument,
  facts: CallFacts,
  retryable: boolean = problem["retryable"] === true,
): ApiError {
  const byStatus = status >= 500 ? ServerError : status >= 400 ? BadRequestError : ApiError;
  const kind = BY_CODE.get(text(problem["code"])) ?? BY_STATUS.get(status) ?? byStatus;
  return new kind({
    status,
    problem,
    retryable,
    attempts: facts.attempts,
    requestId: text(problem["request_id"]) || facts.requestId,
    outcomeUnknown: facts.outcomeUnknown === true || kind === OutcomeUnknownError,
  });
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function integer(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null;
}
