/** The problem document of an answer (RFC 9457), which may come from a proxy and be anything. */

import { decodeJson, decodeUtf8 } from "./json.js";
import type { TransportResponse } from "./transport/message.js";

/** A problem document, as far as it was there. */
export type Problem = Readonly<Record<string, unknown>>;

/** The problem document of an answer; empty if it is none. */
export function problemOf(response: TransportResponse): Problem {
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

/** Whether there was one. */
export function isProblem(problem: Problem): boolean {
  return Object.keys(problem).length > 0;
}
