/** One attempt of a call: where it goes, what of the session it carries, and what its answer teaches. */

import type { Call, Core, Course } from "./core.js";
import type { ApiError } from "./errors.js";
import { STRONG } from "./freshness.js";
import { SESSION_HEADER } from "./session.js";
import type { Endpoint, TransportResponse } from "./transport/message.js";

// Refusals that say something of the node asked, not of the shard: the next one may serve at once.
const ABOUT_THE_NODE: ReadonlySet<string> = new Set([
  "shutting_down",
  "not_ready",
  "node_unreachable",
  "stale_epoch",
  "lag_exceeded",
  "session_not_reached",
]);
const UNSAID = "session_not_reached";
const ABOUT_ITS_STATE: ReadonlySet<string> = new Set(["lag_exceeded", "session_not_reached"]);
// After these the leaders are likely to be others than those known here.
const MOVING_CODES: ReadonlySet<string> = new Set(["shutting_down", "no_leader", "node_unreachable", "stale_epoch"]);
// What of a session fits into a header line, with its name and room to spare.
const SESSION_BYTES_MAX = 8000;

/** The node to ask: the one that a batch was grouped by, first; afterwards the router's choice. */
export function chosen(core: Core, { hash, first }: Call, { anyReplica, attempts, avoid }: Course): Endpoint {
  const isFree = first !== undefined && attempts === 0 && anyReplica && !core.router.isOut(first);
  return isFree ? first : core.router.choose({ hash, anyReplica, avoid });
}

/**
 * Put what the client has seen into the headers of a lagging read; returns the target to ask for.
 *
 * A session that is too large for a header is never cut: the read becomes a strong one, which sees everything.
 */
export function withSession(core: Core, call: Call, course: Course, headers: Record<string, string>): string {
  const { router, session } = core;
  if (session === null) {
    return call.target;
  }
  const shardId = call.oneEntity === true && call.hash !== undefined ? router.shardOf(call.hash) : null;
  const seen = shardId === null ? session.token() : session.entry(shardId);
  Reflect.deleteProperty(headers, SESSION_HEADER);
  if (seen.length > SESSION_BYTES_MAX) {
    course.anyReplica = false;
    return (call.read ?? STRONG).strengthened(call.target);
  }
  if (seen !== "") {
    headers[SESSION_HEADER] = seen;
  }
  return call.target;
}

/** Take from the headers of an answer what it says of the cluster, and of what the client has seen. */
export function learn(core: Core, call: Call, { headers }: TransportResponse): void {
  const epoch = headers["themis-topology-epoch"];
  let isNews = epoch !== undefined && /^\d{1,16}$/.test(epoch) && core.router.sawEpoch(Number(epoch));
  if (call.oneEntity === true && call.hash !== undefined && headers["themis-role"] === "leader") {
    isNews = core.router.hint(call.hash, headers["themis-node"] ?? "") || isNews;
  }
  if (isNews) {
    core.topology.refreshWanted();
  }
  const seen = headers["themis-session"];
  if (seen !== undefined) {
    core.session?.note(seen);
  }
}

/**
 * What a refusal says beyond its attempt.
 *
 * @returns Whether another node may serve at once: how long to wait is told to those who have nobody else to ask.
 */
export function heed(core: Core, call: Call, course: Course, refusal: ApiError): boolean {
  // A HEAD that says nothing but its status, as a node of an earlier release answers it.
  const isUnsaid = refusal.status === 503 && call.operation.method === "HEAD" && refusal.code === "";
  const code = isUnsaid ? UNSAID : refusal.code;
  // A node that is alone has nobody to tell of.
  if (MOVING_CODES.has(code) && core.router.isCluster) {
    core.topology.refreshWanted();
  }
  if (ABOUT_ITS_STATE.has(code)) {
    course.anyReplica = false;
  }
  return ABOUT_THE_NODE.has(code) && core.router.hasAnother(course.asked);
}
