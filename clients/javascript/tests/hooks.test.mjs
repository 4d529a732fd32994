// What hooks are told, what they may not break, and what never leaves the process by a log, an inspection or an error.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { propagation, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { ConfigurationError, EntityNotFoundError, ThemisClient } from "../dist/esm/index.js";
import { OpenTelemetryHooks } from "../dist/esm/otel.js";
import { FakeTransport, jsonResponse, problemResponse } from "../dist/esm/testing.js";
import { newUuid, QUICK } from "./connect.mjs";

const SECRET = "s3cret-token";
const BUSY = problemResponse(503, "no_leader", { retryable: true });
const FOUND = jsonResponse(200, { a: 1 }, { ETag: '"7"' });

function scripted(...answers) {
  return new FakeTransport(() => answers.shift() ?? assert.fail("nothing is left to answer"));
}

function recorder() {
  const facts = [];
  const onRequestStart = (start) => {
    start.headers.traceparent = "00-trace";
    start.headers.AUTHORIZATION = "mine";
    facts.push(start);
  };
  return {
    facts,
    onRequestStart,
    onRequestRetry: (retry) => facts.push(retry),
    onRequestEnd: (end) => facts.push(end),
  };
}

const connect = (transport, options = {}) =>
  new ThemisClient({ endpoints: ["http://fake"], transport, retry: QUICK, ...options });

/** What console.warn says while something runs. */
async function warnings(t, run) {
  const said = [];
  t.mock.method(console, "warn", (...args) => said.push(args.map(String).join(" ")));
  await run();
  return said.join("\n");
}

test("hooks are told the course of a call", async () => {
  const hook = recorder();
  const transport = scripted(BUSY, FOUND);
  assert.deepEqual(await connect(transport, { hooks: [hook, {}] }).get("document", "users", newUuid()), { a: 1 });
  const [start, retry, end] = hook.facts;
  assert.deepEqual([start.operation, start.method, start.requestId], ["getEntity", "GET", end.requestId]);
  assert.deepEqual([retry.reason, retry.status, retry.attempt], ["no_leader", 503, 1]);
  assert.deepEqual([end.status, end.attempts, end.error, end.endpoint], [200, 2, null, "http://fake:80"]);
  assert.ok(end.durationMs > 0);
  assert.equal(transport.requests[0].headers.traceparent, "00-trace");
  assert.ok(!("AUTHORIZATION" in transport.requests[0].headers), "names of the SDK's own are not for hooks");
});

test("hooks are told of an error, and of a cancellation", async () => {
  const hook = recorder();
  const client = connect(scripted(problemResponse(404, "entity_not_found")), { hooks: [hook] });
  await assert.rejects(client.patch("document", "users", newUuid(), {}), EntityNotFoundError);
  assert.ok(hook.facts.at(-1).error instanceof EntityNotFoundError);
  const waiting = connect(new FakeTransport(() => new Promise((resolve) => setTimeout(resolve, 20, FOUND))), {
    hooks: [hook],
  });
  const controller = new AbortController();
  const call = waiting.get("document", "users", newUuid(), { signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
  assert.equal(hook.facts.at(-1).error.name, "AbortError");
});

test("a hook that throws is reported and breaks nothing, nor does one that rejects", async (t) => {
  const fail = () => {
    throw new Error("broken hook");
  };
  const hooks = [{ onRequestStart: fail, onRequestRetry: fail, onRequestEnd: () => Promise.reject(new Error("late")) }];
  const said = await warnings(t, async () => {
    assert.deepEqual(await connect(scripted(BUSY, FOUND), { hooks }).get("document", "users", newUuid()), { a: 1 });
  });
  assert.match(said, /a hook failed in onRequestStart: Error: broken hook/);
  assert.match(said, /a hook failed in onRequestRetry/);
  await new Promise((resolve) => setImmediate(resolve));
});

test("a hook cannot smuggle a header in", async () => {
  for (const headers of [{ "X-A": "b\r\nX-C: d" }, { "X-A\r\nX": "b" }, { "X A": "b" }, { "X-A": "ä" }]) {
    const hooks = [{ onRequestStart: (start) => Object.assign(start.headers, headers) }];
    await assert.rejects(connect(scripted(), { hooks }).get("document", "users", newUuid()), ConfigurationError);
  }
});

test("OpenTelemetry spans", async () => {
  const spans = [];
  const tracer = {
    startSpan(name, { attributes }) {
      const span = {
        name,
        attributes: { ...attributes },
        events: [],
        ended: 0,
        spanContext: () => ({ traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 1 }),
        setAttribute: (key, value) => void (span.attributes[key] = value),
        addEvent: (event) => void span.events.push(event),
        setStatus: (status) => void (span.status = status),
        end: () => void span.ended++,
      };
      spans.push(span);
      return span;
    },
  };
  propagation.setGlobalPropagator({
    inject(context, carrier, setter) {
      setter.set(carrier, "traceparent", `00-${trace.getSpanContext(context).traceId}-x-01`);
    },
    extract: () => ROOT_CONTEXT,
    fields: () => ["traceparent"],
  });
  const transport = scripted(BUSY, FOUND, problemResponse(403, "forbidden"));
  const client = connect(transport, { hooks: [new OpenTelemetryHooks(tracer)] });
  await client.get("document", "users", newUuid());
  await assert.rejects(client.get("document", "users", newUuid()));
  const [found, forbidden] = spans;
  assert.deepEqual(
    [found.name, found.events, found.ended, found.status],
    ["themis getEntity", ["retry"], 1, undefined],
  );
  assert.equal(found.attributes["themis.attempts"], 2);
  assert.equal(found.attributes["http.response.status_code"], 200);
  assert.deepEqual([forbidden.attributes["error.type"], forbidden.status.code], ["ForbiddenError", 2]);
  assert.match(transport.requests[0].headers.traceparent, /^00-1{32}/);
});

test("secrets stay where they are", async (t) => {
  const hook = recorder();
  const transport = scripted(BUSY, problemResponse(403, "forbidden"));
  const client = connect(transport, { hooks: [hook], token: SECRET });
  let error;
  const logged = await warnings(t, async () => {
    error = await client.put("document", "users", newUuid(), { password: "hunter2" }).catch((caught) => caught);
  });
  assert.equal(transport.requests[0].headers.Authorization, `Bearer ${SECRET}`);
  const everything = { showHidden: true, depth: 20, getters: true };
  const said = [
    logged,
    inspect(client, everything),
    inspect(client, { customInspect: false, ...everything }),
    inspect(hook.facts, everything),
    inspect(error, everything),
    error.stack,
    JSON.stringify([client, error, hook.facts, transport.requests]),
    inspect(transport.requests, { depth: 20 }),
    `${client} ${error}`,
  ].join("\n");
  assert.doesNotMatch(said, /s3cret/);
  assert.doesNotMatch(said, /hunter2/);
});

test("a token that is no header is refused without being told", () => {
  assert.throws(
    () => connect(scripted(), { token: "s3cret\r\nX: y" }),
    (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.doesNotMatch(inspect(error), /s3cret/);
      return true;
    },
  );
});

test("FakeTransport serves the topology on demand, and knows when it was closed", async () => {
  const answer = (request) => {
    assert.equal(request.target, "/topology");
    return { status: 404, headers: {}, body: new Uint8Array() };
  };
  const transport = new FakeTransport(answer, { topology: true });
  const client = connect(transport);
  await assert.rejects(client.topology(), { status: 404 });
  await client[Symbol.asyncDispose]();
  assert.ok(transport.closed);
});
