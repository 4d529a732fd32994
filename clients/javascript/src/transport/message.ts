/** What crosses the border between the core and a transport: requests, responses, failures. */

/** The name under which Node's `util.inspect` (and so `console.log`) looks for an object's own form. */
const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const FAILURE = Symbol.for("themis-js.TransportFailure");

const ENDPOINTS_MAX = 1024;
const endpoints = new Map<string, Endpoint>();

/** A node's base URL, taken apart once. */
export class Endpoint {
  /** The whole of it: scheme, host, port and base path. */
  readonly url: string;
  /** http or https. */
  readonly scheme: "http" | "https";
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  /** The port. */
  readonly port: number;
  /** The path of a gateway in front, usually empty; without a slash at its end. */
  readonly basePath: string;

  private constructor(scheme: "http" | "https", host: string, port: number, basePath: string) {
    const written = host.includes(":") ? `[${host}]` : host;
    this.url = `${scheme}://${written}:${String(port)}${basePath}`;
    this.scheme = scheme;
    this.host = host;
    this.port = port;
    this.basePath = basePath;
  }

  /**
   * Read `http[s]://host[:port][/path]`. The same text gives the same object.
   *
   * @throws RangeError for anything else.
   */
  static parse(text: string): Endpoint {
    const known = endpoints.get(text);
    if (known !== undefined) {
      return known;
    }
    const parsed = Endpoint.#read(text);
    // Two texts of one endpoint give one object, so that endpoints may be compared by identity.
    const endpoint = endpoints.get(parsed.url) ?? parsed;
    if (endpoints.size >= ENDPOINTS_MAX) {
      endpoints.clear();
    }
    endpoints.set(endpoint.url, endpoint);
    endpoints.set(text, endpoint);
    return endpoint;
  }

  static #read(text: string): Endpoint {
    let url: URL;
    try {
      url = new URL(text);
    } catch {
      throw new RangeError("an endpoint looks like http://host:8080, and this is no URL");
    }
    // The text itself is not repeated when it holds credentials.
    if (url.username !== "" || url.password !== "") {
      throw new RangeError("an endpoint carries no credentials; pass a token instead");
    }
    if (!/^https?:\/\/[^/\\]/i.test(text)) {
      throw new RangeError(`an endpoint looks like http://host:8080, not like ${JSON.stringify(text)}`);
    }
    if (/[?#]/.test(text)) {
      throw new RangeError(`an endpoint has neither query nor fragment: ${JSON.stringify(text)}`);
    }
    if (!/^[!-~]+$/.test(text) || text.includes("\\")) {
      throw new RangeError(`an endpoint is plain ASCII without spaces: ${JSON.stringify(text)}`);
    }
    const scheme = url.protocol === "https:" ? "https" : "http";
    const port = url.port === "" ? (scheme === "https" ? 443 : 80) : Number(url.port);
    const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
    return new Endpoint(scheme, host, port, url.pathname.replace(/\/+$/, ""));
  }

  /** The value of the Host header: IPv6 addresses in brackets, the scheme's own port left out. */
  get hostHeader(): string {
    const host = this.host.includes(":") ? `[${this.host}]` : this.host;
    return this.port === (this.scheme === "https" ? 443 : 80) ? host : `${host}:${String(this.port)}`;
  }
}

/** One HTTP request, complete but for what the connection adds (Host, Content-Length). */
export class TransportRequest {
  /** The HTTP method. */
  readonly method: string;
  /** The node to ask. */
  readonly endpoint: Endpoint;
  /** Path and query, percent-encoded, without the endpoint's base path. */
  readonly target: string;
  /** Names and values, checked: none holds CR or LF. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, or "" for no body. */
  readonly body: string;

  /** @internal */
  constructor(
    method: string,
    endpoint: Endpoint,
    target: string,
    headers: Readonly<Record<string, string>>,
    body: string,
  ) {
    this.method = method;
    this.endpoint = endpoint;
    this.target = target;
    this.headers = headers;
    this.body = body;
  }

  /** The whole URL. */
  get url(): string {
    return this.endpoint.url + this.target;
  }

  /** For JSON and logs: headers carry the token, bodies carry data, neither belongs there. */
  toJSON(): Readonly<Record<"method" | "url", string>> {
    return { method: this.method, url: this.url };
  }

  /** @internal */
  [INSPECT](): string {
    return `<TransportRequest ${this.method} ${this.url}>`;
  }
}

/** One HTTP response, read to its end. */
export interface TransportResponse {
  /** The HTTP status. */
  readonly status: number;
  /** Names are lower case; repeated headers are joined by a comma. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The body's bytes, content codings undone. */
  readonly body: Uint8Array;
}

/**
 * What went wrong on the way.
 *
 * - `connect`: no connection: refused, unreachable, name unknown, TLS refused
 * - `lost`: the connection ended before the answer was complete
 * - `protocol`: what came back is not HTTP, or beyond a limit
 * - `timeout`: the time given ran out
 */
export type FailureKind = "connect" | "lost" | "protocol" | "timeout";

/** What is known of a failure. */
export interface TransportFailureOptions {
  /** Whether any part of the request may have reached the server. When in doubt: true. */
  readonly sent: boolean;
  /** Whether the connection had served an earlier exchange, so that the server may just have closed it. */
  readonly reused?: boolean;
  /** What the platform said. */
  readonly cause?: unknown;
}

/** An exchange that brought no complete response. Transports throw it; the SDK retries, or throws one of its errors. */
export class TransportFailure extends Error {
  /** What went wrong. */
  readonly kind: FailureKind;
  /** Whether any part of the request may have reached the server. */
  readonly sent: boolean;
  /** Whether the server may just have closed an idle connection. */
  readonly reused: boolean;
  /** @internal */
  readonly [FAILURE] = true;

  /**
   * A failure, for transports to throw.
   *
   * @param kind What went wrong.
   * @param message For people; without secrets.
   * @param options What is known of it.
   */
  constructor(kind: FailureKind, message: string, options: TransportFailureOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.sent = options.sent;
    this.reused = options.reused ?? false;
  }

  /** Whether it is one, also when it comes from another copy of this package (ESM and CommonJS in one program). */
  static is(value: unknown): value is TransportFailure {
    return typeof value === "object" && value !== null && FAILURE in value;
  }
}

Object.defineProperty(TransportFailure.prototype, "name", { value: "TransportFailure", configurable: true });

/** How one exchange is to be carried out. */
export interface SendOptions {
  /** How long it may take, in milliseconds, waiting for a connection included. */
  readonly timeoutMs: number;
  /** Ends the exchange: the transport lets go of the connection and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Whether it is the client's own affair, and must not keep a process alive that has nothing else to do. */
  readonly background?: boolean | undefined;
}

/** Carries requests to nodes: what `new ThemisClient({ transport })` takes. */
export interface Transport {
  /**
   * Carry out one exchange.
   *
   * @throws TransportFailure when it brings no complete response in time.
   */
  send(request: TransportRequest, options: SendOptions): Promise<TransportResponse>;

  /** Let go of all connections. */
  close(): void | Promise<void>;
}
