/**
 * For your tests: a transport that answers from a function instead of a server.
 *
 * ```ts
 * import { ThemisClient } from "themis-js";
 * import { FakeTransport, jsonResponse } from "themis-js/testing";
 *
 * const transport = new FakeTransport(() => jsonResponse(200, { name: "Alice" }, { etag: '"1"' }));
 * const client = new ThemisClient({ endpoints: ["http://fake:8080"], transport });
 * await client.get("document", "users", uuid); // { name: "Alice" }
 * transport.requests.at(-1)?.method; // "GET"
 * ```
 *
 * Throw a `TransportFailure` from the function to play a network that fails, answer never to play a server that hangs. The topology is asked for like anything else
 * (GET /topology): `FakeTransport` answers it with 404 before your function sees it, and the client then sends everything
 * to the endpoints it was given; `topology: true` lets your function answer that, too.
 *
 * @module
 */

import {
  type Endpoint,
  type FailureKind,
  type SendOptions,
  type Transport,
  TransportFailure,
  type TransportFailureOptions,
  TransportRequest,
  type TransportResponse,
} from "./transport/message.js";
import { LATE, within } from "./wait.js";

export { TransportFailure, TransportRequest };
export type { Endpoint, FailureKind, SendOptions, Transport, TransportFailureOptions, TransportResponse };

/** Answers one request. */
export type AnswerRequest = (request: TransportRequest) => TransportResponse | Promise<TransportResponse>;

/** Options of a FakeTransport. */
export interface FakeTransportOptions {
  /** Whether the function answers GET /topology, too; false by default. */
  readonly topology?: boolean;
}

/** Answers requests from a function, and remembers them. */
export class FakeTransport implements Transport {
  /** The requests so far, without those for the topology. */
  readonly requests: TransportRequest[] = [];
  /** Whether the client was closed. */
  closed = false;
  readonly #answer: AnswerRequest;
  readonly #topology: boolean;

  /**
   * A transport that answers from a function.
   *
   * @param answer Answers each request; throws a TransportFailure to play a network that fails.
   * @param options Whether it answers GET /topology, too.
   */
  constructor(answer: AnswerRequest, { topology = false }: FakeTransportOptions = {}) {
    this.#answer = answer;
    this.#topology = topology;
  }

  /** For the client. */
  async send(request: TransportRequest, { timeoutMs, signal }: SendOptions): Promise<TransportResponse> {
    if (!this.#topology && request.target === "/topology") {
      return { status: 404, headers: {}, body: new Uint8Array() };
    }
    // The headers are the call's own and change with its next attempt.
    const { method, endpoint, target, headers, body } = request;
    this.requests.push(new TransportRequest(method, endpoint, target, { ...headers }, body));
    // A function that never answers plays a server that hangs.
    const response = await within(Promise.resolve(this.#answer(request)), timeoutMs, signal);
    if (response === LATE) {
      throw new TransportFailure("timeout", "no answer in time", { sent: true });
    }
    return response;
  }

  /** For the client. */
  close(): void {
    this.closed = true;
  }
}

/** A JSON answer. */
export function jsonResponse(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): TransportResponse {
  return {
    status,
    headers: { "content-type": "application/json", ...lowered(headers) },
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}

/** What a problem document has beyond status and code. */
export interface ProblemOptions {
  /** Whether the same request may be sent again; false by default. */
  readonly retryable?: boolean;
  /** Seconds of a Retry-After header. */
  readonly retryAfterS?: number;
  /** Further members: `version`, `owner`, ... */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error answer of ThemisDB (RFC 9457). */
export function problemResponse(status: number, code: string, options: ProblemOptions = {}): TransportResponse {
  const { retryable = false, retryAfterS, members = {}, headers = {} } = options;
  const title = code.charAt(0).toUpperCase() + code.slice(1).replaceAll("_", " ");
  const type = `https://themisdb.dev/errors/${code}`;
  const wait = retryAfterS === undefined ? {} : { retry_after_s: retryAfterS };
  const response = jsonResponse(status, { type, title, status, detail: "", code, retryable, ...wait, ...members });
  return {
    ...response,
    headers: {
      "content-type": "application/problem+json",
      ...(retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) }),
      ...lowered(headers),
    },
  };
}

function lowered(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
