/** The problem document of an answer (RFC 9457), which may come from a proxy and be anything. */

import { decodeJson, decodeUtf8 } from "./json.js";
import type { TransportResponse } from "./transport/message.js";

/** A problem document, as far as it was there. */
export type Problem = Readonly<Record<string, unknown>>;

const CODE = /^[a-z][a-z0-9_]{0,63}$/;

/** The problem document of an answer; of one without a body (to HEAD) as much as its headers say; empty if it is none. */
export function problemOf(response: TransportResponse): Problem {
  if (response.body.length === 0) {
    const code = response.headers["themis-error"] ?? "";
    return CODE.test(code) ? { code } : {};
  }
  if (response.headers["content-type"]?.startsWith("application/problem+json") !== true) {
    return {};
  }
  try {
    const problem = decodeJson(decodeUtf8(response.body));
    const isObject = typeof problem === "object" && problem !== null && !Array.isArray(problem);
    return isObject ? (problem as Problem) : {};
  } catch {
    // A proxy's mistake; the status says enough.
    return {};
  }
}

/** Whether there was a document; what a header says names the problem, and says nothing of retries. */
export function isProblem(problem: Problem, response: TransportResponse): boolean {
  return response.body.length > 0 && Object.keys(problem).length > 0;
}
