// A small ThemisDB that fails on command: real sockets, entities in a map, faults by script.
//
// It speaks HTTP by hand, because what it must get wrong (half a body, a connection closed after the commit) no HTTP
// server offers. One `ScriptedServer` has several nodes that share their data; its `log` tells which node was asked what.

import { once } from "node:events";
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { TokenTable } from "../dist/esm/index.js";

/**
 * @typedef {object} Fault What goes wrong, for which requests, how often.
 * @property {"status" | "delay" | "stall_head" | "stall_body" | "close_before" | "close_after_commit" | "truncate" |
 *   "garbage" | "surplus" | "answer" | "raw"} action
 */

export class ScriptedServer {
  log = [];
  faults = [];
  store = new Map();
  replies = new Map();
  epoch = 1;
  leaders = {};
  batchItemsMax = 10_000;
  answerItemsMax = 10_000;
  itemErrors = new Map();
  tokensAccepted = null;
  connections = 0;
  ports = [];
  #servers = [];
  #sockets = new Map(); // socket -> node
  #version = 1000;
  #tls;

  static async start(nodes = 1, { shards = 4, tls = null } = {}) {
    const server = new ScriptedServer();
    server.#tls = tls;
    for (let shard = 0; shard < shards; shard++) {
      server.leaders[`shard_${String(shard + 1).padStart(3, "0")}`] = shard % nodes;
    }
    for (let node = 0; node < nodes; node++) {
      await server.startNode(node);
    }
    return server;
  }

  async close() {
    await Promise.all(this.#servers.map((_, node) => this.stopNode(node)));
  }

  async startNode(node) {
    const accept = (socket) => this.#serve(node, socket);
    const server = this.#tls === null ? createServer(accept) : createTlsServer(this.#tls, accept);
    server.listen(this.ports[node] ?? 0, "127.0.0.1");
    await once(server, "listening");
    this.#servers[node] = server;
    this.ports[node] = server.address().port;
  }

  async stopNode(node) {
    const server = this.#servers[node];
    if (server?.listening) {
      server.close();
      this.dropConnections(node);
      await once(server, "close");
    }
  }

  dropConnections(node = null) {
    for (const [socket, owner] of this.#sockets) {
      if (node === null || owner === node) {
        socket.destroy();
      }
    }
  }

  /** Connections that are open now. */
  get open() {
    return this.#sockets.size;
  }

  url(node = 0) {
    return `${this.#tls === null ? "http" : "https"}://127.0.0.1:${this.ports[node]}`;
  }

  get urls() {
    return this.ports.map((_, node) => this.url(node));
  }

  /** What was asked, without requests for the topology. */
  requests() {
    return this.log.filter(({ target }) => target !== "/topology");
  }

  topologyFetches() {
    return this.log.length - this.requests().length;
  }

  #serve(node, socket) {
    this.connections++;
    this.#sockets.set(socket, node);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let buffer = Buffer.alloc(0);
    let busy = Promise.resolve();
    socket.on("data", (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (let request = take(); request !== null; request = take()) {
        const seen = { node, ...request };
        busy = busy.then(() => this.#exchange(seen, socket));
      }
    });
    function take() {
      const end = buffer.indexOf("\r\n\r\n");
      if (end < 0) {
        return null;
      }
      const [line, ...lines] = buffer.subarray(0, end).toString("latin1").split("\r\n");
      const [method, target] = line.split(" ");
      const headers = Object.fromEntries(
        lines.map((text) => [text.slice(0, text.indexOf(":")).toLowerCase(), text.slice(text.indexOf(":") + 1).trim()]),
      );
      const length = Number(headers["content-length"] ?? 0);
      if (buffer.length < end + 4 + length) {
        return null;
      }
      const body = buffer.subarray(end + 4, end + 4 + length).toString();
      buffer = buffer.subarray(end + 4 + length);
      return { method, target, headers, body };
    }
  }

  async #exchange(seen, socket) {
    this.log.push(seen);
    const fault = this.#fault(seen);
    switch (fault?.action) {
      case undefined:
        return this.#write(socket, seen, this.#answer(seen));
      case "close_before":
        return socket.destroy();
      case "close_after_commit":
        this.#answer(seen);
        return socket.destroy();
      case "status": {
        const { status = 503, code = "no_leader", retryable = true, members = {}, headers = {} } = fault;
        const [, more, body] = problem(status, code, { retryable, ...members });
        return this.#write(socket, seen, [status, { ...more, ...headers }, body]);
      }
      case "answer":
        return this.#write(socket, seen, [fault.status ?? 200, fault.headers ?? {}, fault.body ?? ""]);
      case "delay":
        await new Promise((resolve) => setTimeout(resolve, fault.ms).unref());
        return this.#write(socket, seen, this.#answer(seen));
      case "stall_head":
        return this.#answer(seen);
      case "truncate":
      case "stall_body": {
        const [status, , body] = this.#answer(seen);
        socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: ${body.length + 100}\r\n\r\n${body}`);
        return fault.action === "truncate" ? socket.end() : undefined;
      }
      case "raw":
        return socket.write(fault.text);
      case "garbage":
        return socket.end("\x16\x03\x01 this is not HTTP\r\n\r\n");
      case "surplus":
        this.#write(socket, seen, this.#answer(seen));
        // Later than the answer, on a connection that is idle by then.
        return setTimeout(() => socket.write('HTTP/1.1 200 X\r\nContent-Length: 14\r\n\r\n{"stolen":true}'), 20);
      default:
        throw new Error(`no such fault: ${fault.action}`);
    }
  }

  #fault({ node, method, target }) {
    for (const fault of this.faults) {
      const matches =
        target.startsWith(fault.path ?? "/entity/") &&
        (fault.method ?? method) === method &&
        (fault.node ?? node) === node;
      if (matches && (fault.times ?? 1) > 0) {
        if ((fault.skip ?? 0) > 0) {
          fault.skip--;
          continue;
        }
        fault.times = (fault.times ?? 1) - 1;
        return fault;
      }
    }
    return null;
  }

  #write(socket, { method }, [status, headers, body]) {
    const all = { "Content-Type": "application/json", "Themis-Topology-Epoch": this.epoch, ...headers };
    const bodiless = status === 204 || status === 304;
    if (!bodiless && !("Transfer-Encoding" in all)) {
      all["Content-Length"] ??= Buffer.byteLength(body);
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 ${status} X\r\n${lines.join("")}\r\n${bodiless || method === "HEAD" ? "" : body}`);
  }

  // The database

  #answer({ method, target, headers, body }) {
    if (this.tokensAccepted !== null && !this.tokensAccepted.has((headers.authorization ?? "").slice(7))) {
      return problem(401, "unauthorized");
    }
    const key = method === "GET" ? undefined : headers["idempotency-key"];
    const known = this.replies.get(key);
    if (known !== undefined) {
      const [first, [status, more, text]] = known;
      return first === body
        ? [status, { ...more, "Idempotency-Replayed": "true" }, text]
        : problem(422, "idempotency_key_reused");
    }
    const answer = this.#route(method, target, headers, body);
    if (key !== undefined && answer[0] < 300) {
      this.replies.set(key, [body, answer]);
    }
    return answer;
  }

  #route(method, target, headers, body) {
    const url = new URL(target, "http://x");
    if (url.pathname === "/topology") {
      const etag = `"${this.epoch}"`;
      return headers["if-none-match"] === etag ? [304, {}, ""] : [200, { ETag: etag }, JSON.stringify(this.topology())];
    }
    if (url.pathname.startsWith("/entity/")) {
      return this.#entity(method, decodeURIComponent(url.pathname.slice(8)), headers, body);
    }
    if (url.pathname.startsWith("/batch/")) {
      return this.#batch(url.pathname.slice(7), JSON.parse(body));
    }
    if (url.pathname === "/version") {
      return [200, {}, '{"server":"0.1.0","api":"1.0","features":[]}'];
    }
    if (url.pathname === "/health/ready") {
      return [200, {}, '{"status":"ok"}'];
    }
    return url.pathname.endsWith("/entities") ? this.#list(url.searchParams) : problem(404, "route_not_found");
  }

  topology() {
    const nodes = this.urls.map((endpoint, node) => ({
      node_id: `node-${node}`,
      endpoint,
      datacenter: "dc",
      rack: "r",
      state: "up",
      version: "0.1.0",
    }));
    const replicas = nodes.map(({ node_id }) => ({ node_id, role: "voter" }));
    const shards = Object.entries(this.leaders).map(([shard_id, leader]) => ({
      shard_id,
      leader: `node-${leader}`,
      replicas,
    }));
    return { epoch: this.epoch, nodes, shards, tokens: TokenTable.build(Object.keys(this.leaders), 16).toWire() };
  }

  #entity(method, urn, headers, body) {
    const known = this.store.get(urn);
    const version = known?.version ?? null;
    if (method === "GET" || method === "HEAD") {
      if (known === undefined) {
        return problem(404, "entity_not_found");
      }
      const more = { ETag: `"${version}"`, "Themis-Role": "leader", "Themis-Lag-Ms": "0" };
      const same = (headers["if-none-match"] ?? "").includes(`"${version}"`) || headers["if-none-match"] === "*";
      return same ? [304, more, ""] : [200, more, known.text];
    }
    const wanted = headers["if-match"];
    const refused = wanted !== undefined && (version === null || (wanted !== "*" && !wanted.includes(`"${version}"`)));
    if (refused || (headers["if-none-match"] === "*" && known !== undefined)) {
      return problem(412, "precondition_failed", { version });
    }
    if (method !== "PUT" && known === undefined) {
      return problem(404, "entity_not_found");
    }
    const written = ++this.#version;
    if (method === "DELETE") {
      this.store.delete(urn);
    } else {
      const merged = method === "PATCH" ? { ...JSON.parse(known.text), ...JSON.parse(body) } : null;
      const kept = merged && Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
      this.store.set(urn, { version: written, text: kept === null ? body : JSON.stringify(kept) });
    }
    const status = method === "PUT" && known === undefined ? 201 : 200;
    return [status, { ETag: `"${written}"` }, JSON.stringify({ urn, version: written })];
  }

  #batch(what, { items, urns }) {
    const asked = items ?? urns.map((urn) => ({ urn }));
    if (asked.length > this.batchItemsMax) {
      return problem(413, "too_many_items", { limit: this.batchItemsMax });
    }
    const answers = asked.map((item, index) => {
      if (index >= this.answerItemsMax) {
        return { urn: item.urn, error: itemError(413, "batch_response_limit", { retryable: true }) };
      }
      const scripted = this.itemErrors.get(item.urn)?.shift();
      return scripted === undefined ? this.#item(what, item) : { urn: item.urn, error: scripted };
    });
    return [200, {}, JSON.stringify({ items: answers })];
  }

  #item(what, { urn, doc, if_match: ifMatch }) {
    const known = this.store.get(urn);
    if (what === "put") {
      if (ifMatch !== undefined && ifMatch !== (known?.version ?? 0)) {
        return { urn, error: { ...itemError(412, "precondition_failed"), version: known?.version ?? null } };
      }
      this.store.set(urn, { version: ++this.#version, text: JSON.stringify(doc) });
      return { urn, version: this.#version };
    }
    if (known === undefined) {
      return { urn, error: itemError(404, "entity_not_found") };
    }
    if (what === "delete") {
      this.store.delete(urn);
      return { urn, version: ++this.#version };
    }
    return { urn, version: known.version, doc: JSON.parse(known.text) };
  }

  #list(asked) {
    const limit = Number(asked.get("limit"));
    const urns = [...this.store.keys()].filter((urn) => urn.slice(-36) > (asked.get("cursor") ?? "")).sort();
    const items = urns.slice(0, limit).map((urn) => {
      const { version, text } = this.store.get(urn);
      return asked.get("include") === "version" ? { urn, version } : { urn, version, doc: JSON.parse(text) };
    });
    const cursor = urns.length > limit ? { cursor: urns[limit - 1].slice(-36) } : {};
    return [200, {}, JSON.stringify({ items, ...cursor })];
  }
}

function problem(status, code, members = {}) {
  const text = { code, status, title: code, detail: "scripted", retryable: false, ...members };
  return [status, { "Content-Type": "application/problem+json" }, JSON.stringify(text)];
}

/** The error of one item of a batch. */
export function itemError(status, code, { retryable = false } = {}) {
  return { code, status, title: code, detail: "scripted", retryable };
}

/** Wait until something holds. */
export async function until(condition, limitMs = 5000) {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error("it did not happen in time");
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
