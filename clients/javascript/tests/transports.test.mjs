// What both transports owe the core: complete answers, honest failures, and no connection left behind.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigurationError, Endpoint, FetchTransport, TransportFailure, TransportRequest } from "../dist/esm/index.js";
import { NodeTransport } from "../dist/esm/transport/node.js";
import { connect, newUuid, QUICK, serve } from "./connect.mjs";
import { until } from "./scripted_server.mjs";

const TRANSPORTS = { node: (options) => new NodeTransport(options), fetch: () => new FetchTransport() };

const request = (url, { method = "GET", target = "/version", headers = {}, body = "" } = {}) =>
  new TransportRequest(method, Endpoint.parse(url), target, headers, body);

async function failure(promise) {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (caught) => caught,
  );
  assert.ok(TransportFailure.is(error), String(error));
  return error;
}

for (const [name, make] of Object.entries(TRANSPORTS)) {
  const open = (t, options) => {
    const transport = make(options);
    t.after(() => transport.close());
    return transport;
  };

  test(`${name}: an exchange`, async (t) => {
    const server = await serve(t);
    const response = await open(t).send(request(server.url(), { headers: { "X-A": "b" } }), { timeoutMs: 5000 });
    assert.equal(response.status, 200);
    assert.equal(response.headers["content-type"], "application/json");
    assert.match(new TextDecoder().decode(response.body), /"server"/);
    assert.equal(server.log[0].headers["x-a"], "b");
  });

  test(`${name}: bodies are UTF-8 of the length announced, and empty ones are announced too`, async (t) => {
    const server = await serve(t);
    const transport = open(t);
    const target = `/entity/urn%3Athemis%3Adocument%3Ad%3Ac%3A${newUuid()}`;
    await transport.send(request(server.url(), { method: "PUT", target, body: '{"ä":"€😀"}' }), { timeoutMs: 5000 });
    assert.equal(server.log[0].body, '{"ä":"€😀"}');
    const found = await transport.send(request(server.url(), { target }), { timeoutMs: 5000 });
    assert.equal(new TextDecoder().decode(found.body), '{"ä":"€😀"}');
    await transport.send(request(server.url(), { method: "POST", target: "/nowhere" }), { timeoutMs: 5000 });
    assert.equal(server.log[2].headers["content-length"], "0");
  });

  test(`${name}: HEAD has no body, whatever length it announces`, async (t) => {
    const server = await serve(t);
    const { status, body } = await open(t).send(request(server.url(), { method: "HEAD" }), { timeoutMs: 5000 });
    assert.deepEqual([status, body.length], [200, 0]);
  });

  test(`${name}: 304 and redirections are answers, or failures, and never followed`, async (t) => {
    const server = await serve(t);
    server.faults = [{ action: "answer", path: "/version", status: 304 }];
    assert.equal((await open(t).send(request(server.url()), { timeoutMs: 5000 })).status, 304);
    server.faults = [{ action: "answer", path: "/version", status: 307, headers: { Location: server.url() } }];
    assert.equal((await open(t).send(request(server.url()), { timeoutMs: 5000 })).status, 307);
    assert.equal(server.log.length, 2);
  });

  for (const action of ["close_before", "truncate", "close_after_commit"]) {
    test(`${name}: ${action} is a lost connection`, async (t) => {
      const server = await serve(t);
      server.faults = [{ action, path: "/version" }];
      const { kind, sent, reused } = await failure(open(t).send(request(server.url()), { timeoutMs: 5000 }));
      assert.deepEqual({ kind, sent, reused }, { kind: "lost", sent: true, reused: false });
    });
  }

  test(`${name}: a chunked body that breaks off is a lost connection`, async (t) => {
    const server = await serve(t);
    const fault = { headers: { "Transfer-Encoding": "chunked" }, body: '5\r\n{"a":\r\n' };
    server.faults = [{ action: "answer", path: "/version", ...fault }];
    const failing = failure(open(t).send(request(server.url()), { timeoutMs: 5000 }));
    await until(() => server.log.length === 1);
    setTimeout(() => server.dropConnections(), 50);
    assert.equal((await failing).kind, "lost");
  });

  test(`${name}: what is not HTTP`, async (t) => {
    const server = await serve(t);
    server.faults = [{ action: "garbage", path: "/version" }];
    assert.equal((await failure(open(t).send(request(server.url()), { timeoutMs: 5000 }))).kind, "protocol");
  });

  test(`${name}: nobody listens`, async (t) => {
    const server = await serve(t);
    await server.stopNode(0);
    const { kind, sent } = await failure(open(t).send(request(server.url()), { timeoutMs: 5000 }));
    assert.deepEqual({ kind, sent }, { kind: "connect", sent: false });
  });

  for (const action of ["stall_head", "stall_body"]) {
    test(`${name}: ${action} ends with the time given, and closes the connection`, async (t) => {
      const server = await serve(t);
      server.faults = [{ action, path: "/version" }];
      const { kind, sent } = await failure(open(t).send(request(server.url()), { timeoutMs: 100 }));
      assert.deepEqual({ kind, sent }, { kind: "timeout", sent: true });
      await until(() => server.open === 0);
    });

    test(`${name}: ${action} ends with the signal, with its reason, and closes the connection`, async (t) => {
      const server = await serve(t);
      server.faults = [{ action, path: "/version" }];
      const controller = new AbortController();
      const sending = open(t).send(request(server.url()), { timeoutMs: 5000, signal: controller.signal });
      await until(() => server.log.length === 1);
      const reason = new Error("enough");
      controller.abort(reason);
      await assert.rejects(sending, reason);
      await until(() => server.open === 0);
    });
  }

  test(`${name}: what was cancelled before it began is not sent`, async (t) => {
    const server = await serve(t);
    const signal = AbortSignal.abort(new Error("no"));
    await assert.rejects(open(t).send(request(server.url()), { timeoutMs: 100, signal }), /no/);
    assert.equal(server.connections, 0);
  });
}

const node = (t, options) => {
  const transport = new NodeTransport(options);
  t.after(() => transport.close());
  return transport;
};

test("node: connections are reused, and no more than the pool has are made", async (t) => {
  const server = await serve(t);
  const transport = node(t, { poolSize: 2 });
  for (let exchange = 0; exchange < 20; exchange++) {
    await transport.send(request(server.url()), { timeoutMs: 5000 });
  }
  assert.equal(server.connections, 1);
  await Promise.all(Array.from({ length: 16 }, () => transport.send(request(server.url()), { timeoutMs: 5000 })));
  assert.equal(server.connections, 2);
});

test("node: who finds no free connection in time has sent nothing", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "delay", ms: 300, path: "/version" }];
  const transport = node(t, { poolSize: 1 });
  const first = transport.send(request(server.url()), { timeoutMs: 5000 });
  await until(() => server.log.length === 1);
  const { kind, sent } = await failure(transport.send(request(server.url()), { timeoutMs: 100 }));
  assert.deepEqual({ kind, sent }, { kind: "timeout", sent: false });
  assert.equal((await first).status, 200);
  assert.equal((await transport.send(request(server.url()), { timeoutMs: 5000 })).status, 200);
});

test("node: connections that the server closed while idle cost nothing", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls, { maxRetries: 0 });
  const uuid = newUuid();
  for (let round = 0; round < 3; round++) {
    await Promise.all([1, 2, 3].map(() => client.put("document", "users", uuid, {})));
    server.dropConnections();
  }
  assert.deepEqual(await client.get("document", "users", uuid), {});
});

test("node: a reused connection that dies before answering says so", async (t) => {
  const server = await serve(t);
  const transport = node(t);
  await transport.send(request(server.url()), { timeoutMs: 5000 });
  server.faults = [{ action: "close_before", path: "/version" }];
  const { kind, reused } = await failure(transport.send(request(server.url()), { timeoutMs: 5000 }));
  assert.deepEqual({ kind, reused }, { kind: "lost", reused: true });
});

test("node: an answer that nobody asked for is not the next one's", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls, { retry: QUICK });
  const uuid = newUuid();
  await client.put("document", "users", uuid, { mine: 1 });
  server.faults = [{ action: "surplus" }];
  assert.deepEqual(await client.get("document", "users", uuid), { mine: 1 });
  await until(() => server.open === 0);
  assert.deepEqual(await client.get("document", "users", uuid), { mine: 1 });
});

test("node: headers beyond the limit, and a header that is no header", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "answer", path: "/version", headers: { "X-Long": "x".repeat(70_000) } }];
  const { kind, message } = await failure(node(t).send(request(server.url()), { timeoutMs: 5000 }));
  assert.equal(kind, "protocol");
  assert.match(message, /headers beyond/);
  const bad = request(server.url(), { headers: { Authorization: "s3cret\r\nX: y" } });
  await assert.rejects(node(t).send(bad, { timeoutMs: 5000 }), (error) => {
    assert.ok(error instanceof ConfigurationError);
    assert.doesNotMatch(error.message, /s3cret/);
    return true;
  });
});

test("node: an interim answer is skipped, and a change of protocols refused", async (t) => {
  const server = await serve(t);
  const interim = "HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\n{}";
  server.faults = [{ action: "raw", path: "/version", text: `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${interim}` }];
  assert.equal((await node(t).send(request(server.url()), { timeoutMs: 5000 })).status, 200);
  const upgrade = "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
  server.faults = [{ action: "raw", path: "/version", text: upgrade }];
  assert.equal((await failure(node(t).send(request(server.url()), { timeoutMs: 5000 }))).kind, "protocol");
});

test("node: an address that does not answer is given up after the connect timeout", async (t) => {
  // TEST-NET-1 (RFC 5737): packets to it go nowhere, or are refused at once where there is no route.
  const began = performance.now();
  const sending = node(t, { connectTimeout: 100 }).send(request("http://192.0.2.1:81"), { timeoutMs: 5000 });
  const { kind, sent } = await failure(sending);
  assert.deepEqual({ kind, sent }, { kind: "connect", sent: false });
  assert.ok(performance.now() - began < 2000);
});

test("node: an idle client does not keep the process alive", async (t) => {
  const server = await serve(t);
  const program = `
    import { ThemisClient } from ${JSON.stringify(new URL("../dist/esm/index.js", import.meta.url).href)};
    const client = new ThemisClient({ endpoints: [process.argv[1]] });
    await client.exists("document", "users", crypto.randomUUID());
    console.log("done");`;
  const { execFile } = await import("node:child_process");
  const said = await new Promise((resolve, reject) => {
    const argv = ["--input-type=module", "-e", program, server.url()];
    execFile(process.execPath, argv, { timeout: 10_000 }, (error, out) => (error ? reject(error) : resolve(out)));
  });
  assert.equal(said, "done\n");
});

test("node: a node that hangs with the topology does not keep a process alive that has given up", async (t) => {
  const server = createServer((socket) => socket.on("error", () => undefined)).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const program = `
    import { ThemisClient } from ${JSON.stringify(new URL("../dist/esm/index.js", import.meta.url).href)};
    const client = new ThemisClient({ endpoints: [process.argv[1]] });
    const signal = AbortSignal.timeout(50);
    await client.exists("document", "users", crypto.randomUUID(), { signal }).catch((error) => console.log(error.name));
    const idle = performance.now();
    process.on("exit", () => console.log(performance.now() - idle < 1500));`;
  const { execFile } = await import("node:child_process");
  const said = await new Promise((resolve, reject) => {
    const argv = ["--input-type=module", "-e", program, `http://127.0.0.1:${server.address().port}`];
    execFile(process.execPath, argv, { timeout: 10_000 }, (error, out) => (error ? reject(error) : resolve(out)));
  });
  assert.equal(said, "TimeoutError\ntrue\n");
});

test("node: TLS with an authority of one's own, and with certificates on both sides", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "themis-js-tls-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = (name) => join(folder, name);
  const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
    "-subj", "/CN=tests", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"); // prettier-ignore
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(file(name), "utf8"));
  const server = await serve(t, 1, { tls: { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true } });
  const uuid = newUuid();
  const files = { caFile: file("cert.pem"), certFile: file("cert.pem"), keyFile: file("key.pem") };
  const client = connect(t, server.urls, { tls: files });
  await client.put("document", "users", uuid, { a: 1 });
  assert.deepEqual(await client.get("document", "users", uuid), { a: 1 });
  const texts = connect(t, server.urls, { tls: { ca: cert, cert, key } });
  assert.deepEqual(await texts.get("document", "users", uuid), { a: 1 });
  const distrusting = connect(t, server.urls, { maxRetries: 0 });
  await assert.rejects(distrusting.get("document", "users", uuid), { name: "TransportError", kind: "connect" });
  for (const tls of [{ caFile: file("nowhere") }, { cert, key: "s3cret" }]) {
    assert.throws(
      () => connect(t, server.urls, { tls }),
      (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      },
    );
  }
});

test("fetch: no User-Agent where there is a browser's, and no cache, credentials or redirections", async () => {
  const seen = [];
  const transport = new FetchTransport((url, init) => {
    seen.push({ url, ...init });
    return Promise.resolve(new Response("{}", { status: 200 }));
  });
  const headers = { "User-Agent": "themis-js" };
  await transport.send(request("http://host/base/", { headers }), { timeoutMs: 1000 });
  const [{ url, cache, credentials, redirect }] = seen;
  assert.deepEqual([url, cache, credentials, redirect], ["http://host:80/base/version", "no-store", "omit", "manual"]);
});

test("fetch: an answer shorter than announced is lost, but a compressed one is judged by the platform", async () => {
  const answering = (headers) =>
    new FetchTransport(() => Promise.resolve(new Response("{}", { status: 200, headers })));
  const short = answering({ "content-length": "10" }).send(request("http://host"), { timeoutMs: 1000 });
  assert.equal((await failure(short)).kind, "lost");
  const headers = { "content-length": "10", "content-encoding": "gzip" };
  assert.equal((await answering(headers).send(request("http://host"), { timeoutMs: 1000 })).status, 200);
});
