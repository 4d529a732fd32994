// Batches: order, groups, limits, partial failure.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BatchError,
  ConfigurationError,
  EncodingError,
  InvalidUrnError,
  PreconditionFailedError,
  TransportError,
  UnavailableError,
  Urn,
} from "../dist/esm/index.js";
import { connect, newUuid, newUuids, QUICK, serve } from "./connect.mjs";
import { itemError } from "./scripted_server.mjs";

const urn = (uuid) => `urn:themis:document:default:users:${uuid}`;
const empty = (uuids) => Object.fromEntries(uuids.map((uuid) => [uuid, {}]));

test("items are grouped by leader and answered in the order asked", async (t) => {
  const cluster = await serve(t, 3);
  const client = connect(t, cluster.urls);
  const uuids = newUuids(60);
  const put = await client.batchPut("document", "users", new Map(uuids.map((uuid, i) => [uuid, { i }])));
  assert.deepEqual(
    put.ok.map((result) => result.urn.uuid),
    uuids,
  );
  const requests = cluster.requests();
  assert.deepEqual(requests.map(({ node }) => node).sort(), [0, 1, 2]);
  assert.equal(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size, 3);
  const got = await client.batchGet("document", "users", uuids);
  assert.deepEqual(
    [...got],
    uuids.map((_, i) => ({ i })),
  );
  assert.deepEqual([got.at(7), got.at(-1), got.at(60), got.length], [{ i: 7 }, { i: 59 }, undefined, 60]);
  assert.equal(got.entities().get(uuids[3]).version, put.ok[3].version);
});

test("an item that fails is reported and the others are done", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls);
  const uuids = newUuids(4);
  await client.put("document", "users", uuids[0], {});
  const items = [
    [uuids[0], {}, 0],
    [uuids[1], {}],
    ["no-uuid", {}],
    [uuids[2], { a: NaN }],
    [uuids[3], {}, 0],
    [uuids[1], {}, -1],
  ];
  const result = await client.batchPut("document", "users", items);
  assert.deepEqual(
    result.ok.map((ok) => ok.urn.uuid),
    [uuids[1], uuids[3]],
  );
  assert.deepEqual(
    result.failed.map(({ index, urn: name, error }) => [index, name, error.constructor]),
    [
      [0, urn(uuids[0]), PreconditionFailedError],
      [2, "no-uuid", InvalidUrnError],
      [3, urn(uuids[2]), EncodingError],
      [5, urn(uuids[1]), ConfigurationError],
    ],
  );
  assert.equal(result.failed[0].error.version, 1001);
  assert.equal(result.failed[0].error.requestId, server.requests().at(-1).headers["x-request-id"]);
  assert.throws(() => result.raiseForErrors(), /4 of 6 items failed/);
});

test("missing is neither found nor failed", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls);
  const uuids = newUuids(2);
  await client.put("document", "users", uuids[0], { a: 1 });
  const got = await client.batchGetByUrn([urn(uuids[0]), Urn.parse(urn(uuids[1]))]);
  assert.deepEqual([got.toArray(), got.missing.map(String)], [[{ a: 1 }, null], [urn(uuids[1])]]);
  const gone = await client.batchDelete("document", "users", uuids);
  assert.deepEqual([gone.ok.length, gone.missing.length, gone.failed.length], [1, 1, 0]);
});

test("a failed read is never taken for missing", async (t) => {
  const server = await serve(t);
  const uuid = newUuid();
  server.itemErrors.set(urn(uuid), [itemError(409, "collection_model_mismatch")]);
  const got = await connect(t, server.urls).batchGet("document", "users", [uuid]);
  assert.throws(() => [...got], BatchError);
  assert.throws(() => got.at(0), /collection_model_mismatch/);
});

test("items that may are sent again, under keys of their own", async (t) => {
  const server = await serve(t);
  const uuids = newUuids(3);
  const busy = itemError(503, "no_leader", { retryable: true });
  server.itemErrors.set(urn(uuids[1]), [busy, busy]);
  const client = connect(t, server.urls, { retry: QUICK });
  (await client.batchPut("document", "users", empty(uuids))).raiseForErrors();
  const requests = server.requests();
  assert.deepEqual(
    requests.map(({ body }) => JSON.parse(body).items.length),
    [3, 1, 1],
  );
  assert.equal(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size, 3);
});

test("an item with an unknown outcome is not sent again", async (t) => {
  const server = await serve(t);
  const uuids = newUuids(2);
  server.itemErrors.set(urn(uuids[0]), [itemError(504, "outcome_unknown", { retryable: true })]);
  const result = await connect(t, server.urls, { retry: QUICK }).batchPut("document", "users", empty(uuids));
  assert.ok(result.failed[0].error.outcomeUnknown);
  assert.equal(server.requests().length, 1);
});

test("a URN that occurs twice keeps its order", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls, { retry: QUICK });
  const uuid = newUuid();
  server.itemErrors.set(urn(uuid), [itemError(503, "no_leader", { retryable: true })]);
  const result = await client.batchPut("document", "users", [
    [uuid, { n: 1 }],
    [uuid, { n: 2 }],
  ]);
  assert.deepEqual(
    result.failed.map(({ index }) => index),
    [0],
  );
  assert.deepEqual(await client.get("document", "users", uuid), { n: 2 });
});

test("a full answer is continued without counting as a retry", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls, { maxRetries: 0 });
  const uuids = newUuids(25);
  (await client.batchPut("document", "users", empty(uuids))).raiseForErrors();
  server.answerItemsMax = 10;
  assert.deepEqual((await client.batchGet("document", "users", uuids)).toArray(), new Array(25).fill({}));
});

test("a server with lower limits gets smaller batches", async (t) => {
  const server = await serve(t);
  server.batchItemsMax = 10;
  const uuids = newUuids(25);
  const result = await connect(t, server.urls).batchPut("document", "users", empty(uuids));
  assert.deepEqual(
    result.raiseForErrors().ok.map((ok) => ok.urn.uuid),
    uuids,
  );
});

test("batches are cut by bytes, not characters", async (t) => {
  const server = await serve(t);
  const items = newUuids(20).map((uuid) => [uuid, { t: "€".repeat(333_000) }]);
  (await connect(t, server.urls).batchPut("document", "users", items)).raiseForErrors();
  const requests = server.requests();
  const counts = requests.map(({ body }) => JSON.parse(body).items.length);
  assert.deepEqual(counts.sort(), [4, 8, 8]);
  assert.ok(requests.every(({ body }) => Buffer.byteLength(body) <= 8 * 1024 * 1024));
});

test("a batch that nobody answers rejects", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls, { retry: QUICK });
  server.faults = [{ action: "status", path: "/batch", times: 99 }];
  await assert.rejects(client.batchPut("document", "users", empty(newUuids(3))), UnavailableError);
  await server.stopNode(0);
  await assert.rejects(client.batchGet("document", "users", newUuids(3)), TransportError);
});

test("one group that fails does not hide the others", async (t) => {
  const cluster = await serve(t, 3);
  cluster.faults = [{ action: "close_after_commit", path: "/batch", node: 1, times: 99 }];
  const client = connect(t, cluster.urls, { maxRetries: 0 });
  const { ok, failed } = await client.batchPut("document", "users", empty(newUuids(60)));
  assert.ok(ok.length > 0 && failed.length > 0);
  assert.equal(ok.length + failed.length, 60);
  assert.ok(failed.every(({ error }) => error.outcomeUnknown));
});

test("one request carries the caller's own key; parts are found again under theirs", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls);
  const items = empty(newUuids(3));
  const write = () => client.batchPut("document", "users", items, { idempotencyKey: "mine" });
  const [first, again] = [await write(), await write()];
  assert.deepEqual(
    first.ok.map(({ version }) => version),
    again.ok.map(({ version }) => version),
  );
  assert.deepEqual(new Set(server.requests().map(({ headers }) => headers["idempotency-key"])), new Set(["mine"]));
  const cluster = await serve(t, 3);
  const spread = connect(t, cluster.urls);
  const many = empty(newUuids(60));
  const long = "k".repeat(250);
  const writeMany = () => spread.batchPut("document", "users", many, { idempotencyKey: long });
  const versions = async () => (await writeMany()).raiseForErrors().ok.map(({ version }) => version);
  assert.deepEqual(await versions(), await versions());
  assert.ok(cluster.requests().every(({ headers }) => headers["idempotency-key"].length <= 255));
});

test("a batch is cancelled as a whole, and ends with its deadline", async (t) => {
  const cluster = await serve(t, 3);
  const client = connect(t, cluster.urls);
  cluster.faults = [{ action: "stall_head", path: "/batch", times: 99 }];
  const signal = AbortSignal.timeout(100);
  await assert.rejects(client.batchGet("document", "users", newUuids(30), { signal }), { name: "TimeoutError" });
  const began = performance.now();
  await assert.rejects(client.batchGet("document", "users", newUuids(30), { timeout: 200 }), { attempts: 1 });
  assert.ok(performance.now() - began < 1500);
});

test("nothing to do is done without a request", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls);
  assert.deepEqual((await client.batchGet("document", "users", [])).toArray(), []);
  assert.deepEqual((await client.batchPut("document", "users", {})).ok, []);
  assert.deepEqual(server.log, []);
});

test("a single name is not a list of letters, and a pair is a pair", async (t) => {
  const client = connect(t, ["http://127.0.0.1:9"]);
  await assert.rejects(client.batchGet("document", "users", newUuid()), ConfigurationError);
  await assert.rejects(client.batchGetByUrn(Urn.parse(urn(newUuid()))), ConfigurationError);
  await assert.rejects(client.batchPut("document", "users", [[newUuid()]]), ConfigurationError);
  await assert.rejects(client.batchGet("document", "no:collection", newUuids(1)), InvalidUrnError);
});
