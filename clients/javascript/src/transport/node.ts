/**
 * The transport of Node: HTTP/1.1 over the keep-alive agents of node:http and node:https.
 *
 * One agent for each endpoint is the pool of its connections. What this module adds to the agents: limits for waiting,
 * connecting and answering, the bounds of what is read, whether a failed request can have reached the server, and care for
 * connections that were closed, or spoke, while they were idle.
 */

import * as http from "node:http";
import * as https from "node:https";
import type { Duplex } from "node:stream";
import { ConfigurationError } from "../errors.js";
import { checkCount, checkTimeout, type TlsOptions } from "../options.js";
import { onAbort, reasonOf } from "../wait.js";
import {
  type Endpoint,
  type FailureKind,
  type SendOptions,
  type Transport,
  TransportFailure,
  type TransportRequest,
  type TransportResponse,
} from "./message.js";
import { tlsContext } from "./tls.js";

const HEADER_BYTES_MAX = 64 * 1024;
const RESPONSE_BYTES_MAX = 256 * 1024 * 1024;
// Keep it below the server's own limit: a connection idle for longer is closed instead of used.
const IDLE_MS_MAX = 30_000;
const METHODS_WITH_BODY: ReadonlySet<string> = new Set(["PUT", "POST", "PATCH"]);

/** What a NodeTransport is made from. */
export interface NodeTransportOptions {
  /** How https endpoints are verified, and who we are. */
  readonly tls?: TlsOptions | undefined;
  /** Connections to each endpoint at most; further requests wait for one, within their timeout. */
  readonly poolSize?: number | undefined;
  /** The limit of one attempt to connect, in milliseconds. */
  readonly connectTimeout?: number | undefined;
}

/** The connections of one endpoint. */
interface Pool {
  readonly agent: http.Agent;
  readonly request: typeof http.request;
  readonly base: https.RequestOptions;
}

/** HTTP/1.1 over pooled connections. */
export class NodeTransport implements Transport {
  readonly #poolSize: number;
  readonly #connectTimeoutMs: number;
  readonly #tls: https.AgentOptions | undefined;
  readonly #pools = new Map<string, Pool>();
  #closed = false;

  /** @throws ConfigurationError for options that cannot work, unreadable files among them. */
  constructor({ tls, poolSize = 32, connectTimeout = 5000 }: NodeTransportOptions = {}) {
    this.#poolSize = checkCount(poolSize, "poolSize");
    this.#connectTimeoutMs = checkTimeout(connectTimeout);
    this.#tls = tls === undefined ? undefined : tlsContext(tls);
  }

  /** Carry out one exchange. */
  send(request: TransportRequest, options: SendOptions): Promise<TransportResponse> {
    const pool = this.#pool(request.endpoint);
    return new Promise<TransportResponse>((resolve, reject) => {
      new Exchange(pool, request, options, this.#connectTimeoutMs, resolve, reject).begin();
    }).finally(() => {
      if (this.#closed) {
        dropIdle(pool);
      }
    });
  }

  /** Close what is idle now, and what is in use as soon as its exchange has ended. */
  close(): void {
    this.#closed = true;
    for (const pool of this.#pools.values()) {
      pool.agent.maxFreeSockets = 0;
      dropIdle(pool);
    }
  }

  #pool(endpoint: Endpoint): Pool {
    const known = this.#pools.get(endpoint.url);
    if (known !== undefined) {
      return known;
    }
    const settings = {
      keepAlive: true,
      maxSockets: this.#poolSize,
      maxFreeSockets: this.#closed ? 0 : this.#poolSize,
      timeout: IDLE_MS_MAX,
    };
    const isSecure = endpoint.scheme === "https";
    const pool: Pool = {
      agent: isSecure ? watchful(new https.Agent({ ...settings, ...this.#tls })) : watchful(new http.Agent(settings)),
      request: isSecure ? https.request : http.request,
      base: { host: endpoint.host, port: endpoint.port, maxHeaderSize: HEADER_BYTES_MAX },
    };
    this.#pools.set(endpoint.url, pool);
    return pool;
  }
}

/** One exchange: from the request to the end of its answer, or of our patience. */
class Exchange {
  readonly #pool: Pool;
  readonly #request: TransportRequest;
  readonly #options: SendOptions;
  readonly #connectTimeoutMs: number;
  readonly #resolve: (response: TransportResponse) => void;
  readonly #reject: (error: Error) => void;
  #client: http.ClientRequest | undefined;
  #socket: Duplex | undefined;
  #connected = false;
  #reused = false;
  #bytesBefore = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #connectTimer: ReturnType<typeof setTimeout> | undefined;
  #stopListening: (() => void) | undefined;
  #settled = false;

  constructor(
    pool: Pool,
    request: TransportRequest,
    options: SendOptions,
    connectTimeoutMs: number,
    resolve: (response: TransportResponse) => void,
    reject: (error: Error) => void,
  ) {
    this.#pool = pool;
    this.#request = request;
    this.#options = options;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    const { signal, timeoutMs, background } = this.#options;
    if (signal?.aborted === true) {
      this.#reject(reasonOf(signal));
      return;
    }
    const { method, endpoint, target, body } = this.#request;
    let client: http.ClientRequest;
    try {
      client = this.#pool.request({
        ...this.#pool.base,
        agent: this.#pool.agent,
        method,
        path: endpoint.basePath + target,
        headers: headerList(this.#request),
      });
    } catch (error) {
      // Node refuses what is no header or no path. Its message names the header, not the value.
      this.#reject(new ConfigurationError(`not a request: ${(error as Error).message}`));
      return;
    }
    this.#client = client;
    client.once("socket", this.#onSocket);
    client.once("response", this.#onResponse);
    client.on("error", this.#onError);
    client.once("upgrade", (_response, socket) => {
      socket.destroy();
      this.#fail("protocol", "the server switched protocols unasked");
    });
    this.#stopListening = signal && onAbort(signal, this.#onAbort);
    this.#timer = setTimeout(this.#onTimeout, timeoutMs);
    if (background === true) {
      this.#timer.unref();
    }
    client.end(body === "" ? undefined : body);
  }

  readonly #onSocket = (socket: Duplex & { connecting?: boolean; bytesRead?: number; unref?: () => void }): void => {
    this.#socket = socket;
    const isBackground = this.#options.background === true;
    if (isBackground) {
      // The agent takes it back when it hands the connection to the next request.
      socket.unref?.();
    }
    this.#reused = (this.#client as http.ClientRequest).reusedSocket;
    this.#bytesBefore = socket.bytesRead ?? 0;
    if (socket.connecting !== true) {
      this.#connected = true;
      return;
    }
    socket.once(this.#request.endpoint.scheme === "https" ? "secureConnect" : "connect", () => {
      this.#connected = true;
      clearTimeout(this.#connectTimer);
    });
    this.#connectTimer = setTimeout(() => {
      this.#fail("connect", "timed out");
    }, this.#connectTimeoutMs);
    if (isBackground) {
      this.#connectTimer.unref();
    }
  };

  readonly #onResponse = (response: http.IncomingMessage): void => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > RESPONSE_BYTES_MAX) {
        this.#fail("protocol", `a response beyond ${String(RESPONSE_BYTES_MAX)} bytes`);
        return;
      }
      chunks.push(chunk);
    });
    response.once("end", () => {
      if (response.complete) {
        const [only] = chunks;
        const body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, bytes);
        this.#settle(() => {
          this.#resolve({ status: response.statusCode ?? 0, headers: joined(response.headers), body });
        });
      }
    });
    response.on("error", this.#onError);
    response.once("close", () => {
      // Also when the end was announced, but did not come.
      this.#fail("lost", "the server closed the connection before its answer was complete");
    });
  };

  readonly #onError = (error: Error & { code?: string }): void => {
    if (!this.#connected && this.#socket !== undefined) {
      this.#fail("connect", reasonText(error), error);
    } else if (error.code?.startsWith("HPE_") === true) {
      const isLong = error.code === "HPE_HEADER_OVERFLOW";
      this.#fail("protocol", isLong ? `headers beyond ${String(HEADER_BYTES_MAX)} bytes` : "not HTTP", error);
    } else if (this.#socket === undefined) {
      // The agent could not make a socket at all.
      this.#fail("connect", reasonText(error), error);
    } else {
      this.#fail("lost", reasonText(error), error);
    }
  };

  readonly #onTimeout = (): void => {
    if (this.#socket === undefined) {
      this.#fail("timeout", "no free connection in time");
    } else if (!this.#connected) {
      this.#fail("connect", "timed out");
    } else {
      this.#fail("timeout", "no complete answer in time");
    }
  };

  readonly #onAbort = (): void => {
    this.#settle(() => {
      this.#reject(reasonOf(this.#options.signal as AbortSignal));
    });
    this.#client?.destroy();
  };

  #fail(kind: FailureKind, message: string, cause?: Error): void {
    if (this.#settled) {
      return;
    }
    const read = (this.#socket as { bytesRead?: number } | undefined)?.bytesRead ?? 0;
    // Not one byte of an answer, on a connection that had served before: the server had closed it while it was idle.
    const reused = kind === "lost" && this.#reused && read === this.#bytesBefore;
    const prefix = kind === "connect" ? "cannot connect: " : "";
    this.#settle(() => {
      if (reused) {
        // What closed this connection (a restart, a proxy's limit) has likely closed its neighbours too.
        dropIdle(this.#pool);
      }
      this.#reject(new TransportFailure(kind, prefix + message, { sent: this.#connected, reused, cause }));
    });
    // The socket is destroyed with it: an answer that nobody reads would be taken for the next one's.
    this.#client?.destroy();
  }

  #settle(then: () => void): void {
    if (this.#settled) {
      return;
    }
    this.#settled = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#connectTimer);
    this.#stopListening?.();
    then();
  }
}

function headerList({ endpoint, headers, method, body }: TransportRequest): string[] {
  const list = ["Host", endpoint.hostHeader];
  for (const name in headers) {
    list.push(name, headers[name] as string);
  }
  if (body !== "" || METHODS_WITH_BODY.has(method)) {
    list.push("Content-Length", String(Buffer.byteLength(body)));
  }
  list.push("Connection", "keep-alive");
  return list;
}

function joined(headers: http.IncomingHttpHeaders): Readonly<Record<string, string | undefined>> {
  const cookies = headers["set-cookie"];
  return (cookies === undefined ? headers : { ...headers, "set-cookie": cookies.join(", ") }) as Readonly<
    Record<string, string | undefined>
  >;
}

function reasonText(error: Error & { code?: string }): string {
  // Node tries several addresses of a name and then says nothing in the message itself.
  return error.message === "" ? (error.code ?? error.name) : error.message;
}

function dropIdle(pool: Pool): void {
  for (const sockets of Object.values(pool.agent.freeSockets)) {
    for (const socket of sockets ?? []) {
      socket.destroy();
    }
  }
}

/**
 * Watch idle connections: one that speaks without being asked is closed. Node would take what it said for the answer to
 * the next request.
 */
function watchful<A extends http.Agent>(agent: A): A {
  const watched = agent as A & {
    // The documentation's type, not that of @types/node: false when the connection is not to be kept.
    keepSocketAlive(socket: Duplex): boolean;
    reuseSocket(socket: Duplex, request: http.ClientRequest): void;
  };
  const keep: (socket: Duplex) => boolean = watched.keepSocketAlive.bind(agent);
  const reuse: (socket: Duplex, request: http.ClientRequest) => void = watched.reuseSocket.bind(agent);
  const destroy = function (this: Duplex): void {
    this.destroy();
  };
  watched.keepSocketAlive = (socket) => {
    const kept = keep(socket);
    if (kept) {
      socket.on("data", destroy);
    }
    return kept;
  };
  watched.reuseSocket = (socket, request) => {
    socket.removeListener("data", destroy);
    reuse(socket, request);
  };
  return agent;
}
