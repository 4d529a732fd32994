// Calls, waits, budgets and routing, with a clock and a random source of the test's own: no sockets, no waiting.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError, Endpoint, RetryBudget, RetryPolicy, TransportFailure } from "../dist/esm/index.js";
import { OPERATIONS } from "../dist/esm/_generated/operations.js";
import { Core, perform } from "../dist/esm/core.js";
import { newId } from "../dist/esm/ids.js";
import { checkOptions } from "../dist/esm/options.js";
import { parseRetryAfter } from "../dist/esm/retry.js";
import { Router } from "../dist/esm/router.js";
import { problemResponse } from "../dist/esm/testing.js";
import { TokenSource } from "../dist/esm/token.js";
import { TopologyView } from "../dist/esm/topology.js";

const OK = { status: 200, headers: {}, body: new TextEncoder().encode("{}") };
const BUSY = problemResponse(503, "no_leader", { retryable: true });
const failure = (kind, sent, reused = false) => new TransportFailure(kind, "scripted", { sent, reused });

/** Answers from a script, remembers what was sent and slept, and has time of its own. */
class World {
  now = 100_000;
  sent = [];
  slept = [];

  constructor(answers, options = {}) {
    this.answers = [...answers];
    const transport = {
      send: async (request, { timeoutMs }) => {
        if (request.target === "/topology") {
          return { status: 404, headers: {}, body: new Uint8Array() };
        }
        this.sent.push({ timeoutMs, endpoint: request.endpoint.url, headers: { ...request.headers } });
        const answer = this.answers.shift() ?? assert.fail("nothing is left to answer");
        if (answer instanceof TransportFailure) {
          this.now += answer.kind === "timeout" ? timeoutMs : 0;
          throw answer;
        }
        return answer;
      },
      close: () => {},
    };
    const checked = checkOptions({ endpoints: ["http://a", "http://b"], timeout: 10_000, ...options });
    this.core = new Core(checked, new TokenSource(options.token), transport, {
      clock: () => this.now,
      wallClock: () => this.now,
      uniform: () => 0.9999,
      sleep: async (ms) => {
        this.slept.push(ms);
        this.now += ms;
      },
    });
  }

  perform(operation, more = {}) {
    return perform(this.core, { operation: OPERATIONS[operation], target: "/x", timeoutMs: 10_000, ...more });
  }
}

test("an attempt has its own limit within the deadline", async () => {
  const world = new World([failure("timeout", true), failure("timeout", true), failure("timeout", true)]);
  await assert.rejects(world.perform("getEntity", { timeoutMs: 15_000 }), { name: "TimeoutError" });
  assert.deepEqual(
    world.sent.map(({ timeoutMs }) => Math.round(timeoutMs / 10) * 10),
    [10_000, 4950],
  );
});

test("the deadline is one for all attempts", async () => {
  const world = new World(new Array(99).fill(BUSY), { retry: { retriesMax: 90, backoffBaseMs: 1000 } });
  await assert.rejects(world.perform("getEntity"), { name: "UnavailableError" });
  assert.ok(world.now - 100_000 <= 10_000);
});

test("a stale connection is replaced once, without waiting or blaming the node", async () => {
  const world = new World([failure("lost", true, true), OK]);
  assert.equal((await world.perform("putEntity")).attempts, 2);
  assert.deepEqual(world.slept, []);
  assert.ok(!world.core.router.known().some((endpoint) => world.core.router.isOut(endpoint)));
  const again = new World([failure("lost", true, true), failure("lost", true, true), OK], { maxRetries: 0 });
  await assert.rejects(again.perform("getEntity"), { name: "TransportError", attempts: 2 });
});

test("a stale connection is no excuse for a write without key", async () => {
  const world = new World([failure("lost", true, true)]);
  await assert.rejects(world.perform("putEntity", { repeatable: false }), (error) => {
    assert.ok(error.outcomeUnknown);
    assert.ok(TransportFailure.is(error.cause));
    return true;
  });
});

test("what was never sent is sent again, even without key", async () => {
  const world = new World([failure("connect", false), OK]);
  await world.perform("putEntity", { repeatable: false });
  assert.equal(world.sent.length, 2);
  assert.notEqual(world.sent[0].endpoint, world.sent[1].endpoint);
});

test("a busy pool is not the node's fault", async () => {
  const world = new World([failure("timeout", false), OK], { retry: { attemptTimeoutMs: 100 } });
  await world.perform("putEntity", { repeatable: false });
  assert.ok(!world.core.router.known().some((endpoint) => world.core.router.isOut(endpoint)));
});

for (const status of [429, 502, 503, 504]) {
  test(`a gateway's own ${status} is retried only if the call is repeatable`, async () => {
    const html = { status, headers: { "content-type": "text/html" }, body: new TextEncoder().encode("<h1>") };
    assert.equal((await new World([html, OK]).perform("putEntity")).attempts, 2);
    await assert.rejects(new World([html]).perform("putEntity", { repeatable: false }), { status, code: "" });
  });
}

test("an error that is no problem document, or a broken one, is told by its status", async () => {
  for (const body of ["", "{", "[1]", "\xff"]) {
    const bytes = Buffer.from(body, "latin1");
    const answer = { status: 500, headers: { "content-type": "application/problem+json" }, body: bytes };
    const call = new World([answer]).perform("putEntity");
    await assert.rejects(call, { name: "ServerError", status: 500, code: "", outcomeUnknown: true });
  }
});

test("an empty budget ends retries", async () => {
  const world = new World([BUSY, BUSY], { retryBudget: { ratio: 0, reserve: 1 } });
  await assert.rejects(world.perform("getEntity"), { attempts: 2 });
});

test("a token is fetched before the first request and renewed on 401", async () => {
  const tokens = ["one", "two"];
  const world = new World([{ ...OK, status: 401 }, OK], { token: () => tokens.shift() });
  await world.perform("getEntity");
  assert.deepEqual(
    world.sent.map(({ headers }) => headers.Authorization),
    ["Bearer one", "Bearer two"],
  );
});

test("a fixed token is not renewed", async () => {
  await assert.rejects(new World([{ ...OK, status: 401 }], { token: "t" }).perform("getEntity"), { status: 401 });
});

test("what a token callback throws is the caller's, and what is no token is refused", async () => {
  const mine = new Error("vault sealed");
  const throwing = new World([], { token: () => Promise.reject(mine) });
  await assert.rejects(throwing.perform("getEntity", { endpoint: Endpoint.parse("http://a") }), mine);
  for (const token of ["", "a b", "a\r\nX: y", undefined, 7]) {
    const world = new World([], { token: () => token });
    await assert.rejects(world.perform("getEntity", { endpoint: Endpoint.parse("http://a") }), ConfigurationError);
  }
});

test("waits are drawn below a doubling cap", () => {
  const policy = new RetryPolicy({ backoffBaseMs: 100, backoffMaxMs: 1000 });
  const waits = [1, 2, 3, 4, 5, 1000].map((retry) => policy.waitMs(retry, null, () => 1));
  assert.deepEqual(waits, [100, 200, 400, 800, 1000, 1000]);
  assert.equal(
    policy.waitMs(3, null, () => 0),
    0,
  );
  assert.equal(
    new RetryPolicy().waitMs(1, 3000, () => 0.5),
    3000,
  );
});

test("a budget is spent and earned", () => {
  const budget = new RetryBudget({ ratio: 0.5, reserve: 2 });
  assert.deepEqual([budget.spend(), budget.spend(), budget.spend()], [true, true, false]);
  budget.earn();
  assert.equal(budget.spend(), false);
  budget.earn();
  assert.equal(budget.spend(), true);
  for (let call = 0; call < 100; call++) {
    budget.earn();
  }
  assert.equal(budget.tokens, 2);
});

test("Retry-After", () => {
  const values = {
    3: 3000,
    " 0 ": 0,
    1.5: 1500,
    "Thu, 01 Jan 1970 00:01:40 GMT": 90_000,
    "Thursday, 01-Jan-70 00:01:40 GMT": 90_000,
    "Thu Jan  1 00:01:40 1970": 90_000,
    "Thu, 01 Jan 1970 00:00:01 GMT": 0,
    soon: null,
    "Mon, 99 Foo 1970 00:00:01 GMT": null,
    "": null,
    "-1": null,
    1e999: null,
  };
  for (const [value, ms] of Object.entries(values)) {
    assert.equal(parseRetryAfter(value, 10_000), ms, value);
  }
  assert.equal(parseRetryAfter(undefined, 0), null);
});

test("ids are 32 hex digits, and never the same", () => {
  const ids = new Set(Array.from({ length: 1000 }, newId));
  assert.equal(ids.size, 1000);
  assert.ok([...ids].every((id) => /^[0-9a-f]{32}$/.test(id)));
});

// Routing

const [A, B, C] = ["a", "b", "c"].map((name) => Endpoint.parse(`http://${name}:8080`));
const LOW = { high: 0, low: 0 };
const HIGH = { high: 0x80000000, low: 0 };

function view(epoch, leaders) {
  const nodes = ["a", "b"].map((name) => ({ node_id: name, endpoint: `http://${name}:8080` }));
  const replicas = nodes.map(({ node_id }) => ({ node_id, role: "voter" }));
  const shards = leaders.map((leader, index) => ({ shard_id: `s${index}`, leader, replicas }));
  const tokens = [
    ["7fffffffffffffff", "s0"],
    ["ffffffffffffffff", "s1"],
  ];
  return new TopologyView({ epoch, nodes, shards, tokens });
}

function routing(uniform = () => 0) {
  const time = { now: 0 };
  return { time, router: new Router([C], () => time.now, uniform) };
}

test("without a topology the seeds are asked", () => {
  const { router } = routing();
  assert.ok(router.wantsTopology);
  assert.equal(router.choose({ hash: LOW }), C);
  router.loadFailed();
  assert.ok(!router.wantsTopology);
});

test("keys go to their leaders and the rest anywhere; a shard without leader to a replica", () => {
  const { router } = routing();
  router.install(view(1, ["a", "b"]));
  assert.deepEqual([router.choose({ hash: LOW }), router.choose({ hash: HIGH })], [A, B]);
  assert.ok([A, B].includes(router.choose()));
  router.install(view(2, [null, "b"]));
  assert.ok([A, B].includes(router.choose({ hash: LOW })));
});

test("reads that may lag are spread over replicas", () => {
  const draws = [0, 0.9];
  const { router } = routing(() => draws.shift());
  router.install(view(1, ["a", "a"]));
  const chosen = [1, 2].map(() => router.choose({ hash: LOW, anyReplica: true }));
  assert.deepEqual(new Set(chosen), new Set([A, B]));
});

test("a node that failed is out for a while that grows, and then probed once", () => {
  const { router, time } = routing();
  const choose = () => router.choose({ hash: LOW });
  router.install(view(1, ["a", "a"]));
  router.failed(A);
  assert.equal(choose(), B);
  time.now = 300;
  assert.equal(choose(), A);
  assert.equal(choose(), B, "one probe at a time");
  router.failed(A);
  time.now = 600;
  assert.equal(choose(), B);
  time.now = 900;
  assert.equal(choose(), A);
  router.answered(A);
  assert.deepEqual([choose(), choose()], [A, A]);
});

test("when all are out the next to return is asked", () => {
  const { router, time } = routing();
  router.install(view(1, ["a", "a"]));
  for (const endpoint of [B, A, C]) {
    router.failed(endpoint);
    time.now += 10;
  }
  assert.equal(router.choose({ hash: LOW }), B);
  assert.equal(router.choose({ hash: LOW, avoid: B }), A);
});

test("epochs only rise", () => {
  const { router } = routing();
  assert.ok(router.install(view(5, ["a", "a"])));
  assert.ok(!router.install(view(4, ["b", "b"])));
  assert.equal(router.choose({ hash: LOW }), A);
  assert.ok(router.install(view(5, ["b", "b"])), "the same epoch, said anew");
  assert.deepEqual([router.sawEpoch(5), router.sawEpoch(6), router.sawEpoch(6)], [false, true, false]);
  assert.ok(router.stale);
  router.install(view(6, ["a", "a"]));
  assert.ok(!router.stale);
});

test("refreshing asks everybody, the dead last", () => {
  const { router } = routing(Math.random);
  router.install(view(1, ["a", "b"]));
  router.failed(A);
  const order = router.refreshOrder();
  assert.deepEqual(new Set(order), new Set([A, B, C]));
  assert.equal(order.at(-1), A);
});

test("a table with unknown shards makes no sense", () => {
  const tokens = [["0000000000000000", "s"]];
  assert.throws(() => new TopologyView({ epoch: 1, nodes: [], shards: [], tokens }), /not listed/);
});

test("endpoints", () => {
  const good = {
    "http://host": "http://host:80",
    "HTTPS://Host": "https://host:443",
    "http://host:8080/": "http://host:8080",
    "http://[::1]:8080/base/": "http://[::1]:8080/base",
  };
  for (const [text, url] of Object.entries(good)) {
    assert.equal(Endpoint.parse(text).url, url);
  }
  assert.equal(Endpoint.parse("http://host:80").hostHeader, "host");
  assert.equal(Endpoint.parse("http://[::1]:81").hostHeader, "[::1]:81");
  assert.equal(Endpoint.parse("http://host/"), Endpoint.parse("http://HOST:80"));
  const bad = ["", "host:80", "ftp://h", "http://", "http:h", "http:\\\\h", "http://h?a", "http://h#", "http://h h",
    "http://ä", "http://h:99999", "urn:themis:x", " http://h", "http://h\n"]; // prettier-ignore
  for (const text of bad) {
    assert.throws(() => Endpoint.parse(text), RangeError, text);
  }
  assert.throws(
    () => Endpoint.parse("http://user:s3cret@h"),
    (error) => !error.message.includes("s3cret"),
  );
});

test("options that cannot work are refused", () => {
  const endpoints = ["http://h"];
  const bad = [
    {}, { endpoints: [] }, { endpoints: "http://h" }, { endpoints: ["h"] }, { endpoints, namespace: "" },
    { endpoints, namespace: "a/b" }, { endpoints, timeout: 0 }, { endpoints, timeout: NaN }, { endpoints, timeout: 1e9 },
    { endpoints, maxRetries: -1 }, { endpoints, maxRetries: 1.5 }, { endpoints, parallel: 0 },
    { endpoints, refreshInterval: 0 }, { endpoints, userAgent: "a\r\nb" }, { endpoints, userAgent: "" },
    { endpoints, integers: "exact" }, { endpoints, retry: { attemptTimeoutMs: 0 } },
    { endpoints, retryBudget: { ratio: -1 } },
  ]; // prettier-ignore
  for (const options of bad) {
    assert.throws(() => checkOptions(options), ConfigurationError, JSON.stringify(options));
  }
});
