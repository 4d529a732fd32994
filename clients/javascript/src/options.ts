/** The options of a client and of its calls, checked where they enter. */

import { ConfigurationError } from "./errors.js";
import { type Consistency, Freshness } from "./freshness.js";
import type { Hooks } from "./hooks.js";
import type { Integers } from "./json.js";
import { RetryBudget, type RetryBudgetOptions, type RetryOptions, RetryPolicy } from "./retry.js";
import { Endpoint, type Transport } from "./transport/message.js";
import { VERSION } from "./version.js";

/** A bearer token, or what fetches one: asked once, and once more when the server answers 401. */
export type Token = string | (() => string | Promise<string>);

/** A key of your own, or false for none; by default the client makes one for each write. */
export type IdempotencyKey = string | false;

/** How https endpoints are verified, and who we are. Node only: browsers know by themselves. Files are PEM. */
export interface TlsOptions {
  /** File of the authorities to trust instead of the system's. */
  readonly caFile?: string;
  /** File of the client's own certificate chain, for mutual TLS. */
  readonly certFile?: string;
  /** File of its key, when that is not in `certFile`. */
  readonly keyFile?: string;
  /** What decrypts the key. */
  readonly keyPassword?: string;
  /** Instead of `caFile`: the text of it. */
  readonly ca?: string;
  /** Instead of `certFile`: the text of it. */
  readonly cert?: string;
  /** Instead of `keyFile`: the text of it. */
  readonly key?: string;
  /** False switches verification off: anyone may then pose as the server. For experiments. */
  readonly verify?: boolean;
}

/** What `new ThemisClient(...)` takes. Times are in milliseconds. */
export interface ClientOptions {
  /** URLs of one or more nodes; the others are found through the topology. */
  readonly endpoints: readonly string[];
  /** Where collections are looked for, unless a call says otherwise; "default" by default. */
  readonly namespace?: string;
  /** The limit of a call, retries and waits included; 30,000 by default. */
  readonly timeout?: number;
  /** Retries of a call after its first attempt; 3 by default. */
  readonly maxRetries?: number;
  /** A bearer token, or what fetches one. */
  readonly token?: Token;
  /** How https endpoints are verified, and the client's own certificate. Node only. */
  readonly tls?: TlsOptions;
  /** Who is told about requests, retries and ends. */
  readonly hooks?: readonly Hooks[];
  /** Carries the requests instead of the platform's own transport. */
  readonly transport?: Transport;
  /** Connections to each node at most; 32 by default. Node only: browsers have a limit of their own. */
  readonly poolSize?: number;
  /** The limit of one attempt to connect; 5,000 by default. Node only. */
  readonly connectTimeout?: number;
  /** The whole retry policy, instead of `maxRetries`. */
  readonly retry?: RetryOptions;
  /** Limits the retries of all calls together; clients may share a RetryBudget. */
  readonly retryBudget?: RetryBudget | RetryBudgetOptions;
  /**
   * Whether writes get a key of their own (they do by default), which makes them safe to retry. Without one, a write that
   * may have reached a server is never sent again.
   */
  readonly idempotencyKeys?: boolean;
  /** The time between refreshes of the topology in the background; 30,000 by default. */
  readonly refreshInterval?: number;
  /** Added to the SDK's own. Browsers send their own instead. */
  readonly userAgent?: string;
  /** Requests of one batch in flight at once; 4 by default. */
  readonly parallel?: number;
  /**
   * How integers beyond ±(2^53-1) in documents are read: rounded, as JSON.parse does (`"number"`, the default), or
   * exactly, as BigInts (`"bigint"`; then only those integers are BigInts). BigInts are always written exactly.
   */
  readonly integers?: Integers;
  /** How fresh reads must be that do not say it themselves; strong by default. */
  readonly consistency?: Consistency;
  /** With `consistency: "bounded"`: how far behind the leader the replica that answers may be. */
  readonly maxLagMs?: number;
  /** Where this client runs, as the nodes call it: reads that may lag go to the nearest replica. */
  readonly datacenter?: string;
  /** Its rack there. */
  readonly rack?: string;
  /**
   * Whether reads that may lag see what this client has written and read before, whichever replica answers; they do by
   * default.
   */
  readonly sessions?: boolean;
}

/** What every call takes. */
export interface CallOptions {
  /** Cancels the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The limit of this call in milliseconds, instead of the client's. */
  readonly timeout?: number;
}

/** What calls about a namespace's contents take. */
export interface NamespaceOption {
  /** Instead of the client's. */
  readonly namespace?: string;
}

/** How fresh a read must be. */
export interface ReadOptions extends CallOptions {
  /** The client's by default, which is strong unless it says otherwise. */
  readonly consistency?: Consistency;
  /** With `consistency: "bounded"`: how far behind the leader the replica that answers may be, at most an hour. */
  readonly maxLagMs?: number;
}

/** What every write takes. */
export interface WriteOptions extends CallOptions {
  /** A key of your own, or false for none. */
  readonly idempotencyKey?: IdempotencyKey;
}

/** The options of a client, checked and complete. The token is kept elsewhere. */
export interface Options {
  readonly endpoints: readonly Endpoint[];
  readonly namespace: string;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly budget: RetryBudget;
  readonly hooks: readonly Hooks[];
  readonly idempotencyKeys: boolean;
  readonly refreshIntervalMs: number;
  readonly userAgent: string;
  readonly parallel: number;
  readonly integers: Integers;
  readonly read: Freshness;
  readonly datacenter: string | undefined;
  readonly rack: string | undefined;
  readonly sessions: boolean;
}

const TIMEOUT_MS_MAX = 86_400_000;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/;
const VISIBLE = /^[!-~]+$/;
const NO_SIGNAL: Pick<AbortSignal, "addEventListener"> = { addEventListener: () => undefined };
const PRINTABLE = /^[ -~]+$/;

/** Check a client's options; throws ConfigurationError. */
export function checkOptions(options: ClientOptions): Options {
  checkObject(options, "what a client is made from", '{ endpoints: ["http://127.0.0.1:8080"] }');
  const {
    namespace = "default",
    timeout = 30_000,
    maxRetries = 3,
    hooks = [],
    retry = { retriesMax: maxRetries },
    retryBudget = {},
    idempotencyKeys = true,
    refreshInterval = 30_000,
    userAgent,
    parallel = 4,
    integers = "number",
    datacenter,
    rack,
    sessions = true,
  } = options;
  checkCount(parallel, "parallel");
  checkObject(retry, "retry", "{ retriesMax: 3 }");
  checkObject(retryBudget, "retryBudget", "{ ratio: 0.2 }");
  if (typeof refreshInterval !== "number" || !(refreshInterval > 0)) {
    throw new ConfigurationError("refreshInterval is a number of milliseconds, more than 0");
  }
  if (typeof idempotencyKeys !== "boolean") {
    throw new ConfigurationError("idempotencyKeys is true or false");
  }
  if (!Array.isArray(hooks) || !hooks.every((hook: unknown) => typeof hook === "object" && hook !== null)) {
    throw new ConfigurationError("hooks is a list of objects with methods, such as { onRequestEnd(end) {} }");
  }
  if (options.transport !== undefined && typeof (options.transport as Partial<Transport> | null)?.send !== "function") {
    throw new ConfigurationError("transport is an object with send() and close()");
  }
  if (userAgent !== undefined && (typeof userAgent !== "string" || !PRINTABLE.test(userAgent))) {
    throw new ConfigurationError("userAgent is printable ASCII");
  }
  if (!["number", "bigint"].includes(integers)) {
    throw new ConfigurationError('integers is "number" or "bigint"');
  }
  if (typeof sessions !== "boolean") {
    throw new ConfigurationError("sessions is true or false");
  }
  if (rack !== undefined && datacenter === undefined) {
    throw new ConfigurationError("rack goes with datacenter");
  }
  return {
    endpoints: parseEndpoints(options.endpoints),
    namespace: checkName(namespace, "namespace"),
    timeoutMs: checkTimeout(timeout),
    retry: new RetryPolicy(retry),
    budget: isBudget(retryBudget) ? retryBudget : new RetryBudget(retryBudget),
    hooks: [...(hooks as readonly Hooks[])],
    idempotencyKeys,
    refreshIntervalMs: refreshInterval,
    userAgent: `themis-js/${VERSION}${userAgent === undefined ? "" : ` ${userAgent}`}`,
    parallel,
    integers,
    read: new Freshness(options),
    datacenter: datacenter === undefined ? undefined : checkName(datacenter, "datacenter"),
    rack: rack === undefined ? undefined : checkName(rack, "rack"),
    sessions,
  };
}

/** Not `instanceof`: it may come from another copy of this package (ESM and CommonJS in one program). */
function isBudget(value: RetryBudget | RetryBudgetOptions): value is RetryBudget {
  return "spend" in value;
}

function parseEndpoints(endpoints: unknown): Endpoint[] {
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    throw new ConfigurationError('endpoints is a list of URLs, such as ["http://127.0.0.1:8080"]');
  }
  return endpoints.map((endpoint: unknown) => parseEndpoint(String(endpoint)));
}

/** An endpoint as the user wrote it; throws ConfigurationError. */
export function parseEndpoint(text: string): Endpoint {
  try {
    return Endpoint.parse(text);
  } catch (error) {
    throw new ConfigurationError((error as RangeError).message);
  }
}

/** A namespace or collection name, unchanged; throws ConfigurationError. */
export function checkName(name: unknown, what: string): string {
  if (typeof name !== "string" || !NAME.test(name)) {
    const said = typeof name === "string" ? JSON.stringify(name.slice(0, 80)) : name === null ? "null" : typeof name;
    const rule = "1 to 63 letters, digits, _ . and -, the first not one of . and -";
    throw new ConfigurationError(`${said} is no ${what}: ${rule}`);
  }
  return name;
}

/** A time limit in milliseconds, unchanged; throws ConfigurationError. */
export function checkTimeout(timeoutMs: number): number {
  if (typeof timeoutMs !== "number" || !(timeoutMs > 0 && timeoutMs <= TIMEOUT_MS_MAX)) {
    const range = `more than 0 and at most ${String(TIMEOUT_MS_MAX)} milliseconds`;
    throw new ConfigurationError(
      `a timeout is ${range}, not ${typeof timeoutMs === "number" ? String(timeoutMs) : typeof timeoutMs}`,
    );
  }
  return timeoutMs;
}

/** An abort signal, unchanged; throws ConfigurationError. */
export function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  // null, as fetch takes it. Not `instanceof`: pages in frames, and test environments, have classes of their own.
  if (typeof (signal ?? NO_SIGNAL).addEventListener !== "function") {
    throw new ConfigurationError("signal is an AbortSignal: of an AbortController, its .signal");
  }
  return signal ?? undefined;
}

/** Throw ConfigurationError, which does not repeat the value: it may be a URL with a password. */
export function checkObject(value: unknown, what: string, example: string): void {
  if (typeof value !== "object" || value === null) {
    throw new ConfigurationError(`${what} is an object, such as ${example}`);
  }
}

/** A whole number from 1 on, unchanged; throws ConfigurationError. */
export function checkCount(count: number, what: string): number {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new ConfigurationError(`${what} is a whole number, 1 or more`);
  }
  return count;
}

/** A bearer token, unchanged; throws ConfigurationError, which does not repeat it. */
export function checkToken(token: unknown): string {
  if (typeof token !== "string" || !VISIBLE.test(token)) {
    throw new ConfigurationError("a token is one or more visible ASCII characters");
  }
  return token;
}

/** An idempotency key, unchanged; throws ConfigurationError. */
export function checkIdempotencyKey(key: string): string {
  if (typeof key !== "string" || key.length > 255 || !VISIBLE.test(key)) {
    throw new ConfigurationError("an idempotency key is 1 to 255 visible ASCII characters");
  }
  return key;
}
