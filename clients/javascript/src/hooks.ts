/**
 * What a program may learn about the requests the SDK makes on its behalf.
 *
 * A hook is any object with some of the methods of `Hooks`. Hooks run between the steps of a call: keep them short. A
 * hook that throws is reported by `console.warn` and otherwise ignored: watching a call must not break it.
 *
 * No fact holds a token, a header's value or a document.
 */

import { ConfigurationError } from "./errors.js";

/** A logical call begins. */
export interface RequestStart {
  /** The operation: getEntity, batchPut, ... */
  readonly operation: string;
  /** The HTTP method. */
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** The id that all attempts of the call carry. */
  readonly requestId: string;
  /** Empty, and to be filled: carries a trace along (`traceparent`). Names that the SDK itself sends are ignored. */
  readonly headers: Record<string, string>;
}

/** An attempt did not answer the call, another one follows. */
export interface RequestRetry {
  /** The operation. */
  readonly operation: string;
  /** The id that all attempts of the call carry. */
  readonly requestId: string;
  /** The endpoint that was tried. */
  readonly endpoint: string;
  /** How many attempts there were so far. */
  readonly attempt: number;
  /**
   * An error code of the server, a failure kind of the transport (`connect`, `lost`, `timeout`, `protocol`), or
   * `token_refresh`.
   */
  readonly reason: string;
  /** The status of the attempt, if it was answered. */
  readonly status: number | null;
  /** How long the next attempt waits, in milliseconds. */
  readonly waitMs: number;
}

/** A logical call ended: with a status, or with an error (or both: an ApiError). */
export interface RequestEnd {
  /** The operation. */
  readonly operation: string;
  /** The id that all attempts of the call carried. */
  readonly requestId: string;
  /** The endpoint that was tried last, "" if none was. */
  readonly endpoint: string;
  /** How many attempts there were. */
  readonly attempts: number;
  /** The status of the last attempt, if it was answered. */
  readonly status: number | null;
  /** What the call rejects with, null if it does not. */
  readonly error: unknown;
  /** How long the call took, in milliseconds. */
  readonly durationMs: number;
}

/** Have the methods that interest you. */
export interface Hooks {
  /** A logical call begins, before its first attempt. */
  onRequestStart?(start: RequestStart): void;
  /** Another attempt follows. */
  onRequestRetry?(retry: RequestRetry): void;
  /** The call is over. */
  onRequestEnd?(end: RequestEnd): void;
}

/** All hooks of a client, behind one door that keeps their mistakes from the call. */
export class HookList {
  readonly #hooks: readonly Hooks[];

  constructor(hooks: readonly Hooks[]) {
    this.#hooks = [...hooks];
  }

  /** Whether there is any. */
  get isEmpty(): boolean {
    return this.#hooks.length === 0;
  }

  /** Tell everyone that a call begins. */
  start(fact: RequestStart): void {
    for (const hook of this.#hooks) {
      tell("onRequestStart", () => hook.onRequestStart?.(fact));
    }
  }

  /** Tell everyone that another attempt follows. */
  retry(fact: RequestRetry): void {
    for (const hook of this.#hooks) {
      tell("onRequestRetry", () => hook.onRequestRetry?.(fact));
    }
  }

  /** Tell everyone that a call is over. */
  end(fact: RequestEnd): void {
    for (const hook of this.#hooks) {
      tell("onRequestEnd", () => hook.onRequestEnd?.(fact));
    }
  }
}

function tell(name: string, hook: () => unknown): void {
  const report = (error: unknown): void => {
    warn(`a hook failed in ${name}: ${said(error)}`);
  };
  try {
    const result = hook();
    if (typeof (result as PromiseLike<unknown> | undefined)?.then === "function") {
      // An async hook is not waited for; that it fails must not end the process.
      Promise.resolve(result).catch(report);
    }
  } catch (error) {
    report(error);
  }
}

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const HEADER_VALUE = /^[\t -~]*$/;
// What the SDK, or the connection, sends itself, in whatever case a hook writes it.
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "authorization",
  "connection",
  "content-length",
  "content-type",
  "host",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "themis-session",
  "transfer-encoding",
  "user-agent",
  "x-request-id",
]);

/** What hooks want to be sent along; a line too many would be another header, or even another request. */
export function checkPropagated(headers: Readonly<Record<string, string>>): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!HEADER_NAME.test(name) || typeof value !== "string" || !HEADER_VALUE.test(value)) {
      throw new ConfigurationError("a header set by a hook is not one line of ASCII");
    }
    if (!OWN_HEADERS.has(name.toLowerCase())) {
      checked[name] = value;
    }
  }
  return checked;
}

/**
 * What was thrown, in a line. User code may throw anything, even what has no text.
 *
 * @internal
 */
export function said(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `a thrown ${typeof thrown} without a text`;
  }
}

/**
 * Say what nobody else would hear of.
 *
 * @internal
 */
export function warn(what: string): void {
  console.warn(`themis-js: ${what}`);
}
