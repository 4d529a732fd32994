/**
 * One logical call: attempts, waits, redirects, and the end of patience.
 *
 * ```text
 * perform(core, call)
 *   ├─ no topology yet?          core.topology.load
 *   ├─ choose a node             router.choose: leader, near replica, or whoever is alive
 *   ├─ a lagging read?           says what the session has seen
 *   ├─ transport.send ──────────▶ response ──▶ expected? return it
 *   │                              421: to the owner, at once      401: a new token, once, at once
 *   │                              retryable: wait (full jitter, Retry-After), budget, deadline, again
 *   └─ TransportFailure           the node is out; again if the request may be repeated
 * ```
 *
 * A request *may be repeated* when it only reads, when it carries an idempotency key, when it cannot have reached the
 * server, or when the server says so. Anything else is given back to the caller with `outcomeUnknown`.
 *
 * Every answer teaches: the epoch of its topology, who leads the shard of the entity it is about, and what the session has
 * seen.
 */

import type { Operation } from "./_generated/operations.js";
import { chosen, heed, learn, withSession } from "./attempt.js";
import { type ApiError, apiError, ClientClosedError, TimeoutError, TransportError } from "./errors.js";
import type { Freshness } from "./freshness.js";
import { checkPropagated, HookList } from "./hooks.js";
import { newId } from "./ids.js";
import { Nearness } from "./nearness.js";
import type { Options } from "./options.js";
import { isProblem, type Problem, problemOf } from "./problem.js";
import { parseRetryAfter } from "./retry.js";
import { Router } from "./router.js";
import { Session } from "./session.js";
import type { TokenSource } from "./token.js";
import { TopologyKeeper } from "./topology_keeper.js";
import {
  Endpoint,
  type Transport,
  TransportFailure,
  TransportRequest,
  type TransportResponse,
} from "./transport/message.js";
import { LATE, reasonOf, type Sleep, sleep, within } from "./wait.js";
import type { Hash64 } from "./xxh64.js";

// Timers end a little early: a deadline this near has passed.
const TIMER_GRAIN_MS = 1;
const REDIRECTS_MAX = 3;
const TOPOLOGY_TIMEOUT_MS = 5000;
// What a proxy in front of a node answers by itself, without a problem document.
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const NO_STATUSES: ReadonlySet<number> = new Set();

/** One logical call, ready to be sent. */
export interface Call {
  /** Its entry in the operation table. */
  readonly operation: Operation;
  /** Path and query. */
  readonly target: string;
  /** For the whole call. */
  readonly timeoutMs: number;
  /** Cancels it. */
  readonly signal?: AbortSignal | undefined;
  /** Beyond those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or "" for none. */
  readonly body?: string;
  /** Of the key it is about, for routing; none for any node. */
  readonly hash?: Hash64;
  /** The only node to ask; the router chooses by default. */
  readonly endpoint?: Endpoint;
  /** Statuses beyond 2xx that the caller wants to see as answers. */
  readonly expected?: ReadonlySet<number>;
  /** Whether it may be sent again although it may have reached a server; true by default. */
  readonly repeatable?: boolean;
  /** How fresh the answer must be; its parameters are the end of `target`. STRONG by default. */
  readonly read?: Freshness;
  /** Whether it is about a single entity, so that who answers is who leads its shard (or follows there). */
  readonly oneEntity?: boolean;
  /** The near replica to ask first, where it is not out and the read may lag. */
  readonly first?: Endpoint | undefined;
  /** Whether the leader is to answer although the read may lag: replicas could not. */
  readonly toLeader?: boolean;
  /** Instead of the policy's. */
  readonly retriesMax?: number;
}

/** The world as the core sees it; tests have one of their own. */
export interface World {
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  /** Milliseconds since 1970; only for dates in Retry-After. */
  readonly wallClock: () => number;
  /** Draws from 0 (included) to 1 (excluded). */
  readonly uniform: () => number;
  /** Waits. */
  readonly sleep: Sleep;
}

const REAL_WORLD: World = {
  clock: () => performance.now(),
  wallClock: Date.now,
  uniform: Math.random,
  sleep,
};

/** The state that all calls of a client share. */
export class Core {
  readonly options: Options;
  readonly world: World;
  readonly transport: Transport;
  readonly tokens: TokenSource;
  readonly router: Router;
  readonly hooks: HookList;
  readonly topology: TopologyKeeper;
  /** What the client has seen; null where that is not kept. */
  readonly session: Session | null;
  /** What every request has. */
  readonly headers: Readonly<Record<string, string>>;
  #closed = false;

  constructor(options: Options, tokens: TokenSource, transport: Transport, world: World = REAL_WORLD) {
    this.options = options;
    this.world = world;
    this.transport = transport;
    this.tokens = tokens;
    const nearness = new Nearness(options.datacenter, options.rack);
    this.router = new Router(options.endpoints, world.clock, world.uniform, nearness);
    this.session = options.sessions ? new Session() : null;
    this.hooks = new HookList(options.hooks);
    this.headers = { "User-Agent": options.userAgent, Accept: "application/json, application/problem+json" };
    this.topology = new TopologyKeeper(this);
  }

  /** Throws ClientClosedError once the client is closed. */
  checkOpen(): void {
    if (this.#closed) {
      throw new ClientClosedError("the client is closed");
    }
  }

  /** Stop the background refresh and let go of the connections; attempts that are on their way end by themselves. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.topology.close();
      await this.transport.close();
    }
  }
}

/** The response that ended a call, and how it was come by. */
export class Answer {
  readonly response: TransportResponse;
  readonly endpoint: Endpoint;
  readonly attempts: number;
  readonly requestId: string;
  readonly ofWrite: boolean;

  constructor(response: TransportResponse, endpoint: Endpoint, attempts: number, requestId: string, ofWrite: boolean) {
    this.response = response;
    this.endpoint = endpoint;
    this.attempts = attempts;
    this.requestId = requestId;
    this.ofWrite = ofWrite;
  }

  /** The error for a 2xx answer that is not what the operation promises; what it was to write may be written. */
  malformed(what: string): TransportError {
    const { url } = this.endpoint;
    const { attempts, requestId, ofWrite } = this;
    const facts = { attempts, requestId, outcomeUnknown: ofWrite };
    return new TransportError(`${url} answered ${String(this.response.status)}, but ${what}`, "protocol", url, facts);
  }

  /** The error for a status that was expected, but not in this form. */
  error(): ApiError {
    return apiError(this.response.status, problemOf(this.response), this);
  }

  /** The code of the problem document, "" if there is none. */
  problemCode(): string {
    const code = problemOf(this.response)["code"];
    return typeof code === "string" ? code : "";
  }
}

/** Where a call stands: what its attempts have come to so far. */
export class Course {
  readonly deadline: number;
  readonly requestId = newId();
  attempts = 0;
  retries = 0;
  redirects = 0;
  status: number | null = null;
  endpoint: Endpoint | undefined;
  avoid: Endpoint | undefined;
  outcomeUnknown = false;
  /** Whether the next attempt may go to a replica that lags. */
  anyReplica: boolean;
  /** The URLs that have refused, or not answered. */
  readonly asked = new Set<string>();

  constructor(deadline: number, anyReplica: boolean) {
    this.deadline = deadline;
    this.anyReplica = anyReplica;
  }
}

/** Carry out one logical call; returns an expected answer, or throws TransportError, TimeoutError or ApiError. */
export async function perform(core: Core, call: Call): Promise<Answer> {
  core.checkOpen();
  if (call.signal?.aborted === true) {
    throw reasonOf(call.signal);
  }
  const began = core.world.clock();
  const course = new Course(began + call.timeoutMs, call.read?.anyReplica === true && call.toLeader !== true);
  core.options.budget.earn();
  if (core.hooks.isEmpty) {
    return attemptUntilDone(core, call, course, {});
  }
  const { requestId } = course;
  const { operationId, method } = call.operation;
  const propagated: Record<string, string> = {};
  core.hooks.start({ operation: operationId, method, target: call.target, requestId, headers: propagated });
  let error: unknown = null;
  try {
    return await attemptUntilDone(core, call, course, propagated);
  } catch (caught) {
    error = caught;
    throw caught;
  } finally {
    core.hooks.end({
      operation: operationId,
      requestId,
      endpoint: course.endpoint?.url ?? "",
      attempts: course.attempts,
      status: course.status,
      error,
      durationMs: core.world.clock() - began,
    });
  }
}

async function attemptUntilDone(
  core: Core,
  call: Call,
  course: Course,
  propagated: Readonly<Record<string, string>>,
): Promise<Answer> {
  const { router, tokens } = core;
  const headers: Record<string, string> = {
    ...checkPropagated(propagated),
    ...core.headers,
    ...call.headers,
    "X-Request-Id": course.requestId,
  };
  let redirect: Endpoint | undefined;
  let tokenRenewed = false;
  let staleRetried = false;
  for (;;) {
    if (call.endpoint === undefined && router.wantsTopology) {
      await loadTopology(core, call, course);
    }
    const target = call.read?.anyReplica === true ? withSession(core, call, course, headers) : call.target;
    const endpoint: Endpoint = call.endpoint ?? redirect ?? chosen(core, call, course);
    redirect = course.avoid = undefined;
    course.endpoint = endpoint;
    const token: string | null =
      tokens.current ?? (tokens.isFetched ? await fetchToken(core, call, course, null) : null);
    if (token !== null) {
      headers["Authorization"] = `Bearer ${token}`;
    }
    const remaining = course.deadline - core.world.clock();
    if (remaining <= 0) {
      throw timeoutError(call, course, "");
    }
    core.checkOpen();
    course.attempts++;
    course.status = null;
    const request = new TransportRequest(call.operation.method, endpoint, target, headers, call.body ?? "");
    let judged: Judged;
    try {
      const timeoutMs = Math.min(remaining, core.options.retry.attemptTimeoutMs);
      const response = await core.transport.send(request, { timeoutMs, signal: call.signal });
      if (call.signal?.aborted === true) {
        // A transport of the user's own that knows of no signals.
        throw reasonOf(call.signal);
      }
      course.status = response.status;
      learn(core, call, response);
      if (response.status < 300 || (call.expected ?? NO_STATUSES).has(response.status)) {
        router.answered(endpoint);
        return new Answer(response, endpoint, course.attempts, course.requestId, !call.operation.idempotent);
      }
      const problem = problemOf(response);
      // A node that is going away has answered, but for the last time.
      router[problem["code"] === "shutting_down" ? "failed" : "answered"](endpoint);
      if (response.status === 401 && tokens.isFetched && !tokenRenewed) {
        tokenRenewed = true;
        await fetchToken(core, call, course, token);
        reportRetry(core, call, course, "token_refresh", 0);
        continue;
      }
      if (response.status === 421 && call.endpoint === undefined) {
        redirect = ownerOf(core, course, problem);
        if (redirect !== undefined) {
          reportRetry(core, call, course, "wrong_shard", 0);
          continue;
        }
        await loadTopology(core, call, course);
      }
      course.avoid = endpoint;
      course.asked.add(endpoint.url);
      judged = judgeStatus(core, call, course, response, problem);
    } catch (failure) {
      if (!TransportFailure.is(failure) || call.signal?.aborted === true) {
        throw call.signal?.aborted === true ? reasonOf(call.signal) : failure;
      }
      judged = judgeFailure(core, call, course, failure);
      if (failure.reused && judged.repeatable && !staleRetried) {
        // The server had closed the idle connection: nobody failed, and the next connection is a new one.
        staleRetried = true;
        reportRetry(core, call, course, failure.kind, 0);
        continue;
      }
    }
    if (!judged.repeatable) {
      throw judged.error;
    }
    await core.world.sleep(nextWait(core, call, course, judged), call.signal);
  }
}

/** What an attempt that did not answer the call means: the error it would be, and whether another may follow. */
interface Judged {
  readonly error: ApiError | TransportError | TimeoutError;
  readonly repeatable: boolean;
  readonly reason: string;
  readonly retryAfterMs: number | null;
}

function judgeFailure(core: Core, call: Call, course: Course, failure: TransportFailure): Judged {
  const endpoint = course.endpoint as Endpoint;
  const poolWasBusy = failure.kind === "timeout" && !failure.sent;
  course.asked.add(endpoint.url);
  if (!failure.reused && !poolWasBusy) {
    core.router.failed(endpoint);
    core.topology.refreshWanted();
  }
  if (failure.sent && !call.operation.idempotent) {
    course.outcomeUnknown = true;
  }
  const summary = `${endpoint.url}: ${failure.message}`;
  // Connecting ends unreachable by a limit of its own; when the deadline was the nearer one, that is what passed.
  const late = failure.kind === "connect" && core.world.clock() >= course.deadline - TIMER_GRAIN_MS;
  return {
    error:
      failure.kind === "timeout" || late
        ? timeoutError(call, course, summary, failure)
        : new TransportError(summary, failure.kind, endpoint.url, course, failure),
    repeatable: (call.repeatable ?? true) || !failure.sent,
    reason: failure.kind,
    retryAfterMs: null,
  };
}

function judgeStatus(core: Core, call: Call, course: Course, response: TransportResponse, problem: Problem): Judged {
  const { status } = response;
  const isTold = isProblem(problem, response);
  const repeatable = isTold ? problem["retryable"] === true : GATEWAY_STATUSES.has(status) && (call.repeatable ?? true);
  if (!call.operation.idempotent && status >= 500 && !(isTold && (status === 503 || status === 507))) {
    course.outcomeUnknown = true;
  }
  // A final refusal settles it: with a key, an earlier attempt that succeeded would have been answered again.
  const outcomeUnknown = course.outcomeUnknown && (repeatable || status >= 500);
  const { attempts, requestId } = course;
  const error = apiError(status, problem, { attempts, requestId, outcomeUnknown }, repeatable);
  const mayTurn = heed(core, call, course, error);
  return {
    error,
    repeatable,
    reason: error.code || `status_${String(status)}`,
    retryAfterMs: mayTurn ? null : parseRetryAfter(response.headers["retry-after"], core.world.wallClock()),
  };
}

/** How long to wait before the next attempt; throws the error when there is to be none. */
function nextWait(core: Core, call: Call, course: Course, { error, reason, retryAfterMs }: Judged): number {
  const policy = core.options.retry;
  if (course.retries >= (call.retriesMax ?? policy.retriesMax)) {
    throw error;
  }
  course.retries++;
  const remaining = course.deadline - core.world.clock();
  const waitMs = policy.waitMs(course.retries, retryAfterMs, core.world.uniform);
  // Waiting only to find the deadline passed helps nobody: the caller learns now what it would learn then.
  if (waitMs >= remaining || !core.options.budget.spend()) {
    throw error;
  }
  reportRetry(core, call, course, reason, waitMs);
  return waitMs;
}

/** Where a 421 points, unless it has pointed too often or nowhere. */
function ownerOf(core: Core, course: Course, problem: Problem): Endpoint | undefined {
  const { owner } = problem;
  if (course.redirects >= REDIRECTS_MAX || typeof owner !== "string") {
    return undefined;
  }
  let endpoint: Endpoint;
  try {
    endpoint = Endpoint.parse(owner);
  } catch {
    // Not an endpoint: the 421 is then like any other refusal.
    return undefined;
  }
  course.redirects++;
  core.topology.refreshWanted();
  return endpoint;
}

async function loadTopology(core: Core, call: Call, course: Course): Promise<void> {
  const remaining = course.deadline - core.world.clock();
  await core.topology.load(Math.min(remaining, TOPOLOGY_TIMEOUT_MS), call.signal);
}

/** The user's callback may take what is left of the deadline, not more. */
async function fetchToken(core: Core, call: Call, course: Course, stale: string | null): Promise<string> {
  const remaining = course.deadline - core.world.clock();
  const token = await within(core.tokens.fetch(stale), remaining, call.signal);
  if (token === LATE) {
    throw timeoutError(call, course, "the token callback did not answer");
  }
  return token;
}

function timeoutError(call: Call, course: Course, detail: string, cause?: unknown): TimeoutError {
  const summary = `${call.operation.operationId} was not answered in ${String(Math.round(call.timeoutMs))} ms`;
  return new TimeoutError(detail === "" ? summary : `${summary} (${detail})`, course, cause);
}

function reportRetry(core: Core, call: Call, course: Course, reason: string, waitMs: number): void {
  core.hooks.retry({
    operation: call.operation.operationId,
    requestId: course.requestId,
    endpoint: course.endpoint?.url ?? "",
    attempt: course.attempts,
    reason,
    status: course.status,
    waitMs,
  });
}
