// What plain JavaScript lets through: wrong types, thrown things, shared signals, two copies of the package. Every mistake
// is an error of ours that names it, and none ends the process, leaks a connection or is taken for an empty answer.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import * as esm from "../dist/esm/index.js";
import { FakeTransport, jsonResponse } from "../dist/esm/testing.js";

const { ConfigurationError, EncodingError, FetchTransport, InvalidUrnError, ThemisClient, ThemisError, Urn } = esm;
const cjs = createRequire(import.meta.url)("../dist/cjs/index.js");

const UUID = "550e8400-e29b-41d4-a716-446655440000";
const NOT_SIGNALS = [new AbortController(), "signal", {}, true, 5];

let endpoints;
let server;

before(async () => {
  server = createServer((request, response) => {
    request.resume();
    const found = request.url.startsWith("/entity/");
    response.writeHead(found ? 200 : 404, { "Content-Type": "application/json", ETag: '"7"' });
    response.end(found ? '{"version":7}' : "{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endpoints = [`http://127.0.0.1:${server.address().port}`];
});

after(() => server.close());

function fake() {
  const transport = new FakeTransport(() => jsonResponse(200, { version: 7 }, { etag: '"7"' }));
  return { transport, client: new ThemisClient({ endpoints: ["http://fake"], transport }) };
}

test("options of the wrong type are refused", () => {
  for (const options of [undefined, null, 5, "http://127.0.0.1:8080"]) {
    assert.throws(() => new ThemisClient(options), ConfigurationError);
  }
  for (const [name, values] of Object.entries({
    timeout: ["5000", 5n, null, {}, Object.create(null)],
    connectTimeout: ["5", 5n],
    refreshInterval: ["5000", 5n, NaN],
    retry: [null, 3, { attemptTimeoutMs: "100" }, { backoffBaseMs: "5" }, { backoffMaxMs: 5n }, { backoffBaseMs: NaN }],
    retryBudget: [null, 5, { ratio: "0.2" }, { reserve: "20" }],
    hooks: [{}, [null], [() => undefined], "hooks"],
    transport: [{}, null, "fetch"],
    tls: [null, "ca.pem"],
    userAgent: [null, 5, ["a"], "a\r\nX-Evil: 1", ""],
    idempotencyKeys: ["no", 0, null],
    token: [null, 5, { toString: () => "t" }, "a\r\nX-Evil: 1"],
    namespace: [null, 5, ["default"]],
    integers: [["bigint"]],
  })) {
    for (const value of values) {
      assert.throws(
        () => new ThemisClient({ endpoints, [name]: value }),
        ConfigurationError,
        `${name}: ${typeof value}`,
      );
    }
  }
});

test("what is wrong with a client's options is said without repeating them", () => {
  assert.throws(
    () => new ThemisClient("http://user:s3cr3t@host"),
    (error) => !error.message.includes("s3cr3t"),
  );
});

test("limits and keys of the wrong type are refused before anything is sent", async () => {
  const { client, transport } = fake();
  for (const options of [
    ...["5000", 5n, null, new Date(5)].map((timeout) => ({ timeout })),
    ...NOT_SIGNALS.map((signal) => ({ signal })),
  ]) {
    await assert.rejects(client.get("document", "users", UUID, options), ConfigurationError);
    await assert.rejects(client.batchGet("document", "users", [UUID], options), ConfigurationError);
    await assert.rejects(client.listNamespaces(options), ConfigurationError);
    await assert.rejects(client.health(options), ConfigurationError);
    assert.throws(() => client.iterate("users", options), ConfigurationError);
  }
  for (const idempotencyKey of [true, null, 5, ["abc"], {}, "a\r\nX-Evil: 1"]) {
    await assert.rejects(client.put("document", "users", UUID, {}, { idempotencyKey }), ConfigurationError);
  }
  for (const match of [null, {}, "1", 1n, []]) {
    await assert.rejects(client.put("document", "users", UUID, {}, { ifMatch: match }), ConfigurationError);
    await assert.rejects(client.getEntity("document", "users", UUID, { ifNoneMatch: match }), ConfigurationError);
  }
  for (const cursor of [5, {}, "\ud800"]) {
    assert.throws(() => client.iterate("users", { cursor }), ConfigurationError);
  }
  await assert.rejects(client.createCollection("c", "document", { description: "\ud800" }), EncodingError);
  await assert.rejects(client.createCollection("c", "document", { cacheMaxAgeS: NaN }), EncodingError);
  assert.deepEqual(transport.requests, []);
  assert.equal(await client.exists("document", "users", UUID, { signal: null }), true);
});

test("what is no AbortSignal neither ends the process nor keeps a connection", async () => {
  for (const transport of [undefined, new FetchTransport()]) {
    const client = new ThemisClient({ endpoints, poolSize: 1, ...(transport === undefined ? {} : { transport }) });
    await client.get("document", "users", UUID);
    for (const signal of NOT_SIGNALS) {
      await assert.rejects(client.get("document", "users", UUID, { signal }), ConfigurationError);
    }
    assert.deepEqual(await client.get("document", "users", UUID, { timeout: 2000 }), { version: 7 });
    await client.close();
  }
});

test("names of the wrong type are no URN, and never the text of them", async () => {
  const { client, transport } = fake();
  const wrong = [undefined, null, 5, 5n, Symbol("s"), {}, [UUID], { toString: () => UUID }, true];
  for (const value of wrong) {
    for (const [model, collection, uuid, reason] of [
      ["document", "users", value, "uuid"],
      ["document", value, UUID, "collection"],
      [value, "users", UUID, "model"],
    ]) {
      const isRefused = (error) => error instanceof InvalidUrnError && error.reason === reason;
      await assert.rejects(client.get(model, collection, uuid), isRefused);
      if (reason === "uuid") {
        assert.ok(isRefused((await client.batchGet(model, collection, [uuid])).failed[0].error));
      } else {
        await assert.rejects(client.batchGet(model, collection, [uuid]), isRefused);
      }
    }
    assert.throws(() => Urn.parse(value), InvalidUrnError);
  }
  assert.throws(
    () => new Urn("document", "default", undefined, UUID),
    (error) => error.position === 28 && /collection.*undefined/.test(error.message),
  );
  assert.deepEqual(transport.requests, []);
});

test("what has no entries is no empty batch", async () => {
  const { client } = fake();
  async function* later() {
    yield [UUID, {}];
  }
  for (const items of [
    Promise.resolve({}),
    later(),
    new Date(),
    new (class Users {})(),
    new Urn("document", "n", "c", UUID),
  ]) {
    await assert.rejects(client.batchPut("document", "users", items), ConfigurationError);
  }
  assert.equal((await client.batchPut("document", "users", Object.create(null))).asked, 0);
  const { failed } = await client.batchDelete("document", "users", [null]);
  assert.ok(failed[0].error instanceof InvalidUrnError);
});

test("an encoding error says where, and not what", async () => {
  const { client } = fake();
  const refusal = (document) => client.put("document", "users", UUID, document).catch((error) => error);
  for (const [document, place] of [
    [{ people: [{ name: "A" }, { "a/b~": undefined }] }, " (at /people/1/a~1b~0)"],
    [{ a: { b: NaN }, n: 1n }, " (at /a/b)"],
    [{ a: [1, "\ud800"] }, " (at /a/1)"],
    [undefined, ""],
  ]) {
    const error = await refusal(document);
    assert.ok(error instanceof EncodingError);
    assert.ok(place === "" ? !error.message.includes("at /") : error.message.endsWith(place), error.message);
  }
  const cyclic = {};
  cyclic.self = { cyclic };
  assert.match((await refusal(cyclic)).message, /contains itself$/);
  for (const thrown of [new Error("s3cr3t"), Object.create(null), undefined]) {
    const error = await refusal({
      get secret() {
        throw thrown;
      },
    });
    assert.ok(error instanceof EncodingError);
    assert.ok(!error.message.includes("s3cr3t"));
    assert.equal(error.cause, thrown);
  }
});

test("a hook may throw or reject with anything", async (context) => {
  const warned = context.mock.method(console, "warn", () => undefined);
  const { transport } = fake();
  const hooks = [
    {
      onRequestStart: () => {
        throw Object.create(null);
      },
      onRequestEnd: () => ({ then: (_, reject) => reject(new Error("late")) }),
    },
  ];
  const client = new ThemisClient({ endpoints: ["http://fake"], transport, hooks });
  assert.equal(await client.exists("document", "users", UUID), true);
  await new Promise(setImmediate);
  assert.deepEqual(
    warned.mock.calls.map(({ arguments: [text] }) => /onRequest(Start|End)/.exec(text)[0]),
    ["onRequestStart", "onRequestEnd"],
  );
});

test("a token callback that never answers is asked again by a later call", async () => {
  let asked = 0;
  const token = () => (++asked === 1 ? new Promise(() => undefined) : "t2");
  const { transport } = fake();
  const client = new ThemisClient({ endpoints: ["http://fake"], transport, token, timeout: 30 });
  await assert.rejects(client.get("document", "users", UUID), esm.TimeoutError);
  assert.deepEqual(await client.get("document", "users", UUID, { timeout: 5000 }), { version: 7 });
  assert.equal(asked, 2);
});

test("many calls share a signal with one listener, which goes with the last of them", async () => {
  const warnings = [];
  const note = (warning) => warnings.push(warning.name);
  process.on("warning", note);
  for (const transport of [undefined, new FetchTransport()]) {
    const client = new ThemisClient({ endpoints, ...(transport === undefined ? {} : { transport }) });
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...given) => {
      listeners++;
      addEventListener.apply(signal, given);
    };
    signal.removeEventListener = (...given) => {
      listeners--;
      removeEventListener.apply(signal, given);
    };
    const read = () => client.get("document", "users", UUID, { signal });
    await Promise.all(Array.from({ length: 50 }, read));
    assert.equal(listeners, 0);
    const cancelled = Promise.allSettled(Array.from({ length: 50 }, read));
    controller.abort();
    for (const { reason } of await cancelled) {
      assert.equal(reason, signal.reason);
    }
    await client.close();
  }
  await new Promise(setImmediate);
  process.off("warning", note);
  assert.deepEqual(warnings, []);
});

test("two copies of the package know each other's names, errors and budgets", async () => {
  const { client, transport } = fake();
  const stranger = new cjs.Urn("document", "default", "users", UUID);
  assert.equal(await client.existsByUrn(stranger), true);
  await assert.rejects(client.batchDeleteByUrn([stranger, [stranger, 7]]), esm.TransportError);
  const urn = stranger.toString();
  assert.deepEqual(JSON.parse(transport.requests.at(-1).body), { items: [{ urn }, { urn, if_match: 7 }] });
  assert.equal(cjs.NOT_MODIFIED, esm.NOT_MODIFIED);

  const failing = new FakeTransport(() => {
    throw new esm.TransportFailure("connect", "no", { sent: false });
  });
  const budget = new esm.RetryBudget();
  const other = new cjs.ThemisClient({
    endpoints: ["http://x"],
    transport: failing,
    retryBudget: budget,
    maxRetries: 1,
  });
  const error = await other.get("document", "users", UUID).catch((caught) => caught);
  assert.equal(budget.tokens, 19);
  assert.ok(error instanceof cjs.TransportError && error instanceof esm.TransportError);
  assert.ok(error instanceof ThemisError && error instanceof esm.CallError);
  assert.ok(!(error instanceof esm.ApiError) && !(error instanceof esm.TimeoutError));
});

test("instanceof is as usual otherwise", () => {
  class Mine extends ThemisError {}
  assert.ok(new Mine() instanceof Mine && new Mine() instanceof ThemisError);
  assert.ok(!(new ConfigurationError("x") instanceof Mine));
  for (const value of [null, undefined, "x", {}, new Error("x"), Object.create(null)]) {
    assert.ok(!(value instanceof ThemisError));
  }
});

test("an error as JSON says its name and message, and holds neither token nor document", async () => {
  const problem = jsonResponse(409, { code: "namespace_exists", detail: "there is one" });
  const headers = { "content-type": "application/problem+json" };
  const transport = new FakeTransport(() => ({ ...problem, headers }));
  const client = new ThemisClient({ endpoints: ["http://fake"], transport, token: "s3cr3t-token" });
  const error = await client.put("document", "users", UUID, { a: "s3cr3t-document" }).catch((caught) => caught);
  const told = JSON.parse(JSON.stringify(error));
  assert.equal(told.name, "AlreadyExistsError");
  assert.equal(told.message, error.message);
  assert.equal(told.status, 409);
  assert.equal(structuredClone(error).message, error.message);
  assert.doesNotMatch(JSON.stringify([error, client, transport.requests]), /s3cr3t/);
});

test("a FakeTransport that never answers is a server that hangs", async () => {
  const transport = new FakeTransport(() => new Promise(() => undefined));
  const client = new ThemisClient({ endpoints: ["http://fake"], transport });
  await assert.rejects(client.get("document", "users", UUID, { timeout: 20 }), esm.TimeoutError);
  const controller = new AbortController();
  const reading = client.get("document", "users", UUID, { signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(reading, { name: "AbortError" });
});
