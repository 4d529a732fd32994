// The client against a server that fails on command.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ApiError,
  ClientClosedError,
  EntityNotFoundError,
  IdempotencyKeyReusedError,
  keyHash,
  NOT_MODIFIED,
  OutcomeUnknownError,
  PreconditionFailedError,
  RetryBudget,
  TimeoutError,
  TokenTable,
  TransportError,
  UnauthorizedError,
  UnavailableError,
} from "../dist/esm/index.js";
import { connect, newUuid, QUICK, serve } from "./connect.mjs";
import { until } from "./scripted_server.mjs";

const rejection = (promise) =>
  promise.then(
    () => assert.fail("it did not reject"),
    (error) => error,
  );

test("an entity lives its life", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls);
  const uuid = newUuid();
  assert.equal(await client.get("document", "users", uuid), null);
  assert.equal(await client.exists("document", "users", uuid), false);
  const written = await client.put("document", "users", uuid, { name: "Alice", age: 30 });
  assert.equal(written.created, true);
  const entity = await client.getEntity("document", "users", uuid);
  assert.deepEqual(
    [entity.doc, entity.version, entity.role, entity.lagMs],
    [{ name: "Alice", age: 30 }, written.version, "leader", 0],
  );
  assert.equal(await client.getEntity("document", "users", uuid, { ifNoneMatch: entity.version }), NOT_MODIFIED);
  assert.ok((await client.patch("document", "users", uuid, { age: null })).version > written.version);
  assert.deepEqual(await client.get("document", "users", uuid), { name: "Alice" });
  assert.equal((await client.put("document", "users", uuid, {})).created, false);
  assert.equal(await client.exists("document", "users", uuid), true);
  assert.ok(await client.delete("document", "users", uuid));
  assert.equal(await client.delete("document", "users", uuid), null);
  await assert.rejects(client.patch("document", "users", uuid, {}), EntityNotFoundError);
});

test("URNs are percent-encoded in paths", async (t) => {
  const server = await serve(t);
  await connect(t, server.urls).putByUrn("urn:themis:graph:ns-1:a.b:550E8400-E29B-41D4-A716-446655440000", {});
  assert.equal(
    server.requests()[0].target,
    "/entity/urn%3Athemis%3Agraph%3Ans-1%3Aa.b%3A550e8400-e29b-41d4-a716-446655440000",
  );
});

test("a failed precondition says the current version", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls);
  const uuid = newUuid();
  const { version } = await client.put("document", "users", uuid, {});
  const error = await rejection(client.put("document", "users", uuid, {}, { ifMatch: version + 1 }));
  assert.ok(error instanceof PreconditionFailedError);
  assert.equal(error.version, version);
  await assert.rejects(client.put("document", "users", uuid, {}, { ifNoneMatch: "*" }), PreconditionFailedError);
  assert.ok(await client.put("document", "users", uuid, {}, { ifMatch: [1, version] }));
  assert.equal(server.requests().length, 4);
});

for (const status of [429, 503]) {
  test(`a retryable ${status} is retried with the same key and request id`, async (t) => {
    const server = await serve(t);
    server.faults = [{ action: "status", status, times: 2 }];
    await connect(t, server.urls, { retry: QUICK }).put("document", "users", newUuid(), { a: 1 });
    const seen = server.requests();
    assert.equal(seen.length, 3);
    assert.equal(new Set(seen.map(({ headers }) => headers["idempotency-key"])).size, 1);
    assert.equal(new Set(seen.map(({ headers }) => headers["x-request-id"])).size, 1);
  });
}

test("retries end at the limit and the error says how many", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "status", times: 99 }];
  const error = await rejection(connect(t, server.urls, { retry: QUICK }).get("document", "users", newUuid()));
  assert.ok(error instanceof UnavailableError);
  assert.deepEqual([error.code, error.status, error.retryable, error.attempts], ["no_leader", 503, true, 4]);
  assert.equal(error.requestId, server.requests()[0].headers["x-request-id"]);
});

test("Retry-After is waited for", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "status", status: 429, headers: { "Retry-After": "0.3" } }];
  const began = performance.now();
  await connect(t, server.urls, { retry: QUICK }).put("document", "users", newUuid(), {});
  assert.ok(performance.now() - began >= 295);
});

test("a Retry-After beyond the deadline fails at once", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "status", status: 429, headers: { "Retry-After": "60" } }];
  const began = performance.now();
  await assert.rejects(connect(t, server.urls, { timeout: 5000 }).get("document", "users", newUuid()), ApiError);
  assert.ok(performance.now() - began < 1000);
});

test("a final refusal is not retried", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "status", status: 400, code: "invalid_body", retryable: false, times: 9 }];
  const error = await rejection(connect(t, server.urls).put("document", "users", newUuid(), {}));
  assert.deepEqual([error.attempts, error.outcomeUnknown], [1, false]);
});

for (const action of ["close_before", "close_after_commit", "truncate", "garbage"]) {
  test(`after ${action} an exchange is repeated under one key and happens once`, async (t) => {
    const server = await serve(t);
    server.faults = [{ action }];
    const result = await connect(t, server.urls, { retry: QUICK }).put("document", "users", newUuid(), { a: 1 });
    assert.equal(result.created, true);
    assert.equal(result.replayed, action === "close_after_commit" || action === "truncate");
    assert.equal(server.requests().length, 2);
  });
}

for (const action of ["close_before", "close_after_commit", "truncate"]) {
  test(`after ${action} a write without a key is never repeated`, async (t) => {
    const server = await serve(t);
    server.faults = [{ action }];
    const client = connect(t, server.urls, { retry: QUICK });
    const error = await rejection(client.put("document", "users", newUuid(), {}, { idempotencyKey: false }));
    assert.ok(error instanceof TransportError);
    assert.match(error.message, /outcome is unknown/);
    assert.deepEqual([error.outcomeUnknown, error.attempts, server.requests().length], [true, 1, 1]);
  });
}

test("without keys by option a refusal before execution is still retried", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "status", status: 503 }];
  await connect(t, server.urls, { retry: QUICK, idempotencyKeys: false }).put("document", "users", newUuid(), {});
  assert.ok(server.requests().every(({ headers }) => !("idempotency-key" in headers)));
});

test("a read is repeated without a key", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "truncate", method: "GET" }];
  const client = connect(t, server.urls, { retry: QUICK });
  const uuid = newUuid();
  await client.put("document", "users", uuid, { a: 1 });
  assert.deepEqual(await client.get("document", "users", uuid), { a: 1 });
});

for (const action of ["delay", "stall_head", "stall_body"]) {
  test(`the deadline holds at ${action}, and a write says that its outcome is unknown`, async (t) => {
    const server = await serve(t);
    server.faults = [{ action, ms: 30_000, times: 9 }];
    const client = connect(t, server.urls);
    const began = performance.now();
    const error = await rejection(client.put("document", "users", newUuid(), {}, { timeout: 300 }));
    assert.ok(performance.now() - began < 1000);
    assert.ok(error instanceof TimeoutError);
    assert.deepEqual([error.outcomeUnknown, error.attempts], [true, 1]);
    // Closing the client ends idle connections only: the one that hung must be gone already.
    await client.close();
    await until(() => server.open === 0);
  });
}

test("a node that hangs does not use up the call", async (t) => {
  const cluster = await serve(t, 3);
  cluster.faults = [{ action: "stall_head" }];
  const client = connect(t, cluster.urls, { retry: { backoffBaseMs: 1, attemptTimeoutMs: 200 } });
  await client.put("document", "users", newUuid(), {}, { timeout: 10_000 });
  const [first, second] = cluster.requests();
  assert.notEqual(first.node, second.node);
});

test("an unknown outcome of the server is retried with the key and told without", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "status", status: 504, code: "outcome_unknown" }];
  const client = connect(t, server.urls, { retry: QUICK });
  await client.put("document", "users", newUuid(), {});
  server.faults = [{ action: "status", status: 504, code: "outcome_unknown", retryable: false }];
  const error = await rejection(client.put("document", "users", newUuid(), {}, { idempotencyKey: false }));
  assert.ok(error instanceof OutcomeUnknownError && error.outcomeUnknown);
});

test("a later refusal does not hide that an earlier attempt may have happened", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "close_after_commit" }, { action: "status", times: 9 }];
  const error = await rejection(connect(t, server.urls, { retry: QUICK }).put("document", "users", newUuid(), {}));
  assert.ok(error instanceof UnavailableError && error.outcomeUnknown);
});

test("nobody listens", async (t) => {
  const server = await serve(t);
  await server.stopNode(0);
  const error = await rejection(connect(t, server.urls, { retry: QUICK }).put("document", "users", newUuid(), {}));
  assert.ok(error instanceof TransportError);
  assert.deepEqual([error.kind, error.attempts, error.outcomeUnknown], ["connect", 4, false]);
});

test("the topology is loaded once by many at once", async (t) => {
  const cluster = await serve(t, 3);
  const client = connect(t, cluster.urls);
  await Promise.all(Array.from({ length: 16 }, () => client.get("document", "users", newUuid())));
  assert.equal(cluster.topologyFetches(), 1);
  assert.equal(cluster.requests().length, 16);
});

test("requests go straight to the leader", async (t) => {
  const cluster = await serve(t, 3);
  const client = connect(t, cluster.urls);
  const table = TokenTable.fromWire(cluster.topology().tokens);
  for (let index = 0; index < 20; index++) {
    const uuid = newUuid();
    await client.put("document", "users", uuid, {});
    assert.equal(cluster.log.at(-1).node, cluster.leaders[table.shardForHash(keyHash(uuid))]);
  }
});

test("a 421 is followed to the owner at once", async (t) => {
  const cluster = await serve(t, 3);
  cluster.faults = [
    { action: "status", status: 421, code: "wrong_shard", members: { owner: cluster.url(2), epoch: 1 } },
  ];
  await connect(t, cluster.urls, { maxRetries: 0 }).put("document", "users", newUuid(), {});
  const [first, second] = cluster.requests();
  assert.equal(second.node, 2);
  assert.equal(first.headers["idempotency-key"], second.headers["idempotency-key"]);
});

test("owners that point in a circle come to an end", async (t) => {
  const cluster = await serve(t, 3);
  const members = { owner: cluster.url(1), epoch: 1 };
  cluster.faults = [{ action: "status", status: 421, code: "wrong_shard", members, times: 99 }];
  const error = await rejection(connect(t, cluster.urls, { retry: QUICK }).get("document", "users", newUuid()));
  assert.equal(error.code, "wrong_shard");
  assert.ok(error.attempts <= 8);
});

test("a newer epoch in an answer refreshes the topology", async (t) => {
  const cluster = await serve(t, 3);
  const client = connect(t, cluster.urls);
  const uuid = newUuid();
  await client.put("document", "users", uuid, {});
  cluster.leaders = Object.fromEntries(Object.keys(cluster.leaders).map((shard) => [shard, 2]));
  cluster.epoch = 2;
  await client.put("document", "users", uuid, {});
  await until(() => cluster.topologyFetches() === 2);
  await until(async () => {
    await client.put("document", "users", uuid, {});
    return cluster.requests().at(-1).node === 2;
  });
  assert.equal(cluster.topologyFetches(), 2);
});

test("an older epoch is ignored", async (t) => {
  const cluster = await serve(t, 3);
  cluster.epoch = 5;
  const client = connect(t, cluster.urls);
  const uuid = newUuid();
  await client.put("document", "users", uuid, {});
  const before = cluster.log.at(-1).node;
  cluster.epoch = 4;
  cluster.leaders = Object.fromEntries(Object.keys(cluster.leaders).map((shard) => [shard, (before + 1) % 3]));
  assert.equal((await client.topology()).epoch, 4);
  await client.put("document", "users", uuid, {});
  assert.equal(cluster.log.at(-1).node, before);
});

test("a dead node is dropped and comes back", async (t) => {
  const cluster = await serve(t, 3);
  cluster.leaders = Object.fromEntries(Object.keys(cluster.leaders).map((shard) => [shard, 0]));
  const client = connect(t, cluster.urls, { retry: QUICK });
  const uuid = newUuid();
  await client.put("document", "users", uuid, {});
  await cluster.stopNode(0);
  await client.put("document", "users", uuid, {});
  const asked = cluster.requests().length;
  await client.put("document", "users", uuid, {});
  assert.equal(cluster.requests().length, asked + 1);
  await cluster.startNode(0);
  await until(async () => {
    await client.put("document", "users", uuid, {});
    return cluster.requests().at(-1).node === 0;
  });
});

test("the retry budget is shared by all calls", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "status", times: 10_000 }];
  const retryBudget = new RetryBudget({ ratio: 0, reserve: 5 });
  const client = connect(t, server.urls, { retry: QUICK, retryBudget });
  for (let call = 0; call < 10; call++) {
    await assert.rejects(client.get("document", "users", newUuid()), UnavailableError);
  }
  assert.equal(server.requests().length, 15);
});

test("a token callback is asked once, and once more on 401", async (t) => {
  const server = await serve(t);
  server.tokensAccepted = new Set(["second"]);
  const tokens = ["first", "second", "third"];
  const client = connect(t, server.urls, { token: () => Promise.resolve(tokens.shift()) });
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => client.get("document", "users", newUuid()))), [
    null,
    null,
    null,
  ]);
  assert.deepEqual(tokens, ["third"]);
});

test("a token that stays refused is an error", async (t) => {
  const server = await serve(t);
  server.tokensAccepted = new Set(["good"]);
  let asked = 0;
  const token = () => {
    asked++;
    return "s3cret-token";
  };
  const error = await rejection(connect(t, server.urls, { token }).get("document", "users", newUuid()));
  assert.ok(error instanceof UnauthorizedError);
  assert.equal(asked, 2);
});

test("a token callback that hangs ends with the call's deadline", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls, { token: () => new Promise(() => {}) });
  await assert.rejects(client.get("document", "users", newUuid(), { timeout: 200 }), TimeoutError);
});

test("a reused key is an error", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls);
  const uuid = newUuid();
  const options = { idempotencyKey: "k" };
  await client.put("document", "users", uuid, { a: 1 }, options);
  assert.equal((await client.put("document", "users", uuid, { a: 1 }, options)).replayed, true);
  await assert.rejects(client.put("document", "users", uuid, { a: 2 }, options), IdempotencyKeyReusedError);
});

test("health tells and never rejects", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls);
  assert.equal((await client.health()).ready, true);
  server.faults = [{ action: "status", path: "/health", code: "shutting_down" }];
  const { live, ready, reason } = await client.health();
  assert.deepEqual([live, ready, reason], [true, false, "shutting_down"]);
  await server.stopNode(0);
  const health = await client.health({ endpoint: server.url() });
  assert.deepEqual([health.live, health.ready], [false, false]);
  assert.match(health.reason, /cannot connect/);
});

test("a closed client says so", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls);
  await client.get("document", "users", newUuid());
  await client.close();
  await assert.rejects(client.get("document", "users", newUuid()), ClientClosedError);
  await assert.rejects(client.batchGet("document", "users", [newUuid()]), ClientClosedError);
  await until(() => server.open === 0);
});

test("a cancelled call rejects with the signal's reason and leaves no connection behind", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls, { poolSize: 1 });
  const uuid = newUuid();
  await client.put("document", "users", uuid, { a: 1 });
  server.faults = [{ action: "delay", method: "GET", ms: 300 }];
  const controller = new AbortController();
  const waiting = client.get("document", "users", newUuid(), { signal: controller.signal });
  await until(() => server.requests().some(({ method }) => method === "GET"));
  controller.abort();
  assert.equal((await rejection(waiting)).name, "AbortError");
  assert.deepEqual(await client.get("document", "users", uuid), { a: 1 });
  const reason = new Error("mine");
  assert.equal(await rejection(client.get("document", "users", uuid, { signal: AbortSignal.abort(reason) })), reason);
});

test("a call is cancelled while it waits for its next attempt, or for a connection", async (t) => {
  const server = await serve(t);
  server.faults = [{ action: "status", headers: { "Retry-After": "20" }, times: 9 }];
  const client = connect(t, server.urls);
  const signal = AbortSignal.timeout(100);
  const began = performance.now();
  assert.equal((await rejection(client.get("document", "users", newUuid(), { signal }))).name, "TimeoutError");
  assert.ok(performance.now() - began < 1000);
});

test("iteration pages through a collection, and a loop may be left early", async (t) => {
  const server = await serve(t);
  const client = connect(t, server.urls);
  const uuids = Array.from({ length: 25 }, newUuid).sort();
  (
    await client.batchPut(
      "document",
      "users",
      uuids.map((uuid, i) => [uuid, { i }]),
    )
  ).raiseForErrors();
  const found = [];
  for await (const entity of client.iterate("users", { pageSize: 10 })) {
    found.push(entity);
  }
  assert.deepEqual(
    found.map(({ urn }) => urn.uuid),
    uuids,
  );
  assert.deepEqual(found[3].doc, { i: 3 });
  const versions = await Array.fromAsync?.(client.iterate("users", { pageSize: 10, include: "version" }));
  assert.ok(versions === undefined || versions.every(({ doc }) => doc === null));
  const walk = client.iterate("users", { pageSize: 10 });
  for await (const entity of walk) {
    assert.equal(entity.urn.uuid, uuids[0]);
    break;
  }
  assert.deepEqual(await walk.next(), { done: true, value: undefined });
  assert.equal(walk.cursor, uuids[9]);
  const rest = client.iterate("users", { pageSize: 10, cursor: walk.cursor });
  const [first, second] = await Promise.all([rest.next(), rest.next()]);
  assert.deepEqual([first.value.urn.uuid, second.value.urn.uuid], [uuids[10], uuids[11]]);
});
