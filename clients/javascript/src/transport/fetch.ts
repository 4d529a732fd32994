/**
 * The transport of browsers: `fetch`. It works in Node, too, where the other one is faster and knows more.
 *
 * What a page cannot do: choose certificates, the number of connections or the User-Agent; and what it cannot learn:
 * whether a request that failed had reached the server. So a failure counts as one that may have. And `fetch` itself sends
 * a request that was answered 421 once more (Fetch standard, HTTP-network-or-cache fetch), before the SDK hears of it.
 */

import { LATE, onAbort, reasonOf } from "../wait.js";
import {
  type SendOptions,
  type Transport,
  TransportFailure,
  type TransportRequest,
  type TransportResponse,
} from "./message.js";

const RESPONSE_BYTES_MAX = 256 * 1024 * 1024;
const METHODS_WITH_BODY: ReadonlySet<string> = new Set(["PUT", "POST", "PATCH"]);
// What undici, the fetch of Node, says when it has not sent anything.
const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Exchanges by `fetch`, which decides how many connections there are: Node's has no limit, browsers have six or so. */
export class FetchTransport implements Transport {
  readonly #fetch: typeof globalThis.fetch;
  readonly #sendsUserAgent: boolean;

  /**
   * A transport over `fetch`.
   *
   * @param fetch Instead of the platform's own.
   */
  constructor(fetch?: typeof globalThis.fetch) {
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    // Browsers send their own; some take ours for a header that the server would have to allow.
    this.#sendsUserAgent =
      typeof (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node === "string";
  }

  /** Carry out one exchange. */
  async send(request: TransportRequest, { timeoutMs, signal }: SendOptions): Promise<TransportResponse> {
    signal?.throwIfAborted();
    const ending = new AbortController();
    const timer = setTimeout(() => {
      ending.abort(LATE);
    }, timeoutMs);
    const stopListening =
      signal &&
      onAbort(signal, () => {
        ending.abort();
      });
    try {
      return await this.#exchange(request, ending.signal);
    } catch (error) {
      // What is not read must not be kept: a cancelled body gives its connection back, or closes it.
      ending.abort();
      if (signal?.aborted === true) {
        throw reasonOf(signal);
      }
      if (ending.signal.reason === LATE) {
        throw new TransportFailure("timeout", "no complete answer in time", { sent: true, cause: error });
      }
      throw error;
    } finally {
      clearTimeout(timer);
      stopListening?.();
    }
  }

  /** The platform keeps the connections. */
  close(): void {
    // Nothing is ours to close.
  }

  async #exchange(request: TransportRequest, signal: AbortSignal): Promise<TransportResponse> {
    const headers: Record<string, string> = { ...request.headers };
    if (!this.#sendsUserAgent) {
      delete headers["User-Agent"];
    }
    let response: Response;
    try {
      response = await this.#fetch(request.url, {
        method: request.method,
        headers,
        signal,
        // With its own cache a browser would answer conditional reads by itself.
        cache: "no-store",
        credentials: "omit",
        redirect: "manual",
        ...(METHODS_WITH_BODY.has(request.method) ? { body: request.body } : {}),
      });
    } catch (error) {
      throw failureOf(error);
    }
    if (response.type === "opaqueredirect") {
      throw new TransportFailure("protocol", "the server redirects to elsewhere", { sent: true });
    }
    const body = await readBody(response);
    if (request.method !== "HEAD" && isTruncated(response, body.length)) {
      throw new TransportFailure("lost", "the answer is shorter than announced", { sent: true });
    }
    return { status: response.status, headers: Object.fromEntries(response.headers), body };
  }
}

async function readBody(response: Response): Promise<Uint8Array> {
  let body: ArrayBuffer;
  try {
    body = await response.arrayBuffer();
  } catch (error) {
    throw new TransportFailure("lost", "the connection ended before the answer was complete", {
      sent: true,
      cause: error,
    });
  }
  if (body.byteLength > RESPONSE_BYTES_MAX) {
    throw new TransportFailure("protocol", `a response beyond ${String(RESPONSE_BYTES_MAX)} bytes`, { sent: true });
  }
  return new Uint8Array(body);
}

/** Whether fewer bytes came than the server announced. Of a body with a content coding the length says nothing. */
function isTruncated(response: Response, received: number): boolean {
  const length = response.headers.get("content-length");
  const bodiless = response.status === 204 || response.status === 304;
  return !bodiless && length !== null && !response.headers.has("content-encoding") && received < Number(length);
}

function failureOf(error: unknown): TransportFailure {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  if (NOT_CONNECTED.has(code)) {
    return new TransportFailure("connect", `cannot connect: ${String(code)}`, { sent: false, cause: error });
  }
  if (typeof code === "string" && code.startsWith("HPE_")) {
    return new TransportFailure("protocol", "not HTTP", { sent: true, cause: error });
  }
  const said = error instanceof Error ? error.message : String(error);
  return new TransportFailure("lost", `no answer: ${said}`, { sent: true, cause: error });
}
