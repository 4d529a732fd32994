// The everyday calls against a real server, end to end.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  AlreadyExistsError,
  ApiError,
  CollectionNotFoundError,
  EntityNotFoundError,
  ModelMismatchError,
  NamespaceNotEmptyError,
  NamespaceNotFoundError,
  NOT_MODIFIED,
  PreconditionFailedError,
  TooLargeError,
} from "../dist/esm/index.js";
import { connect as open, newUuid, newUuids } from "./connect.mjs";
import { noServer, startNode } from "./node_process.mjs";

let node;
before(async () => {
  node = noServer === false ? await startNode() : undefined;
});
after(() => node?.stop());

const live = (name, run) =>
  test(name, { skip: noServer }, (t) => {
    const namespace = `ns-${newUuid().slice(0, 12)}`;
    const connect = (options = {}) => open(t, [node.endpoint], { namespace, ...options });
    return run({ connect, client: connect(), namespace });
  });

live("entities", async ({ client }) => {
  const uuid = newUuid();
  assert.equal(await client.get("relational", "users", uuid), null);
  const written = await client.put("relational", "users", uuid, { name: "Alice", age: 30, tags: ["ä", null] });
  assert.deepEqual([written.created, written.replayed, written.urn.uuid], [true, false, uuid]);
  assert.deepEqual(await client.get("relational", "users", uuid.toUpperCase()), {
    name: "Alice",
    age: 30,
    tags: ["ä", null],
  });
  const entity = await client.getEntity("relational", "users", uuid);
  assert.deepEqual([entity.version, entity.role], [written.version, "leader"]);
  const ifNoneMatch = entity.version;
  assert.equal(await client.getEntity("relational", "users", uuid, { ifNoneMatch }), NOT_MODIFIED);
  const ifMatch = entity.version;
  const patched = await client.patch("relational", "users", uuid, { age: null, city: "Rom" }, { ifMatch });
  assert.deepEqual(await client.get("relational", "users", uuid), { name: "Alice", city: "Rom", tags: ["ä", null] });
  await assert.rejects(client.put("relational", "users", uuid, {}, { ifMatch }), (error) => {
    assert.ok(error instanceof PreconditionFailedError);
    assert.equal(error.version, patched.version);
    return true;
  });
  assert.ok(await client.exists("relational", "users", uuid));
  assert.ok((await client.delete("relational", "users", uuid)).version > patched.version);
  assert.equal(await client.delete("relational", "users", uuid), null);
  assert.equal(await client.exists("relational", "users", uuid), false);
  await assert.rejects(client.patch("relational", "users", uuid, { a: 1 }), EntityNotFoundError);
});

live("one key, one write", async ({ client }) => {
  const uuid = newUuid();
  const options = { idempotencyKey: `key-${uuid}` };
  const first = await client.put("document", "users", uuid, { a: 1 }, options);
  const again = await client.put("document", "users", uuid, { a: 1 }, options);
  assert.deepEqual([again.version, again.replayed], [first.version, true]);
  await assert.rejects(client.put("document", "users", uuid, { a: 2 }, options), { code: "idempotency_key_reused" });
});

live("integers beyond 2^53-1", async ({ client, connect }) => {
  const uuid = newUuid();
  const document = { exact: 9223372036854775807n, odd: [9007199254740993n], small: 1 };
  await client.put("document", "numbers", uuid, document);
  assert.deepEqual(await connect({ integers: "bigint" }).get("document", "numbers", uuid), document);
  const rounded = { exact: 9223372036854775807, odd: [9007199254740992], small: 1 };
  assert.deepEqual(await client.get("document", "numbers", uuid), rounded);
  await assert.rejects(client.put("document", "numbers", uuid, { a: 2n ** 64n }), { code: "integer_out_of_range" });
});

live("batches and iteration", async ({ client }) => {
  const uuids = newUuids(500).sort();
  const put = await client.batchPut(
    "document",
    "things",
    uuids.map((uuid, i) => [uuid, { i }]),
  );
  assert.equal(put.raiseForErrors().ok.length, 500);
  const got = await client.batchGet("document", "things", [uuids[7], newUuid(), uuids[3]]);
  assert.deepEqual([...got], [{ i: 7 }, null, { i: 3 }]);
  const walk = client.iterate("things", { pageSize: 200 });
  const found = [];
  for await (const { urn, doc } of walk) {
    found.push([urn.uuid, doc.i]);
  }
  assert.deepEqual(
    found,
    uuids.map((uuid, i) => [uuid, i]),
  );
  assert.equal((await client.countCollection("things")).count, 500);
  const gone = await client.batchDelete("document", "things", [uuids[0], [uuids[1], 1], newUuid()]);
  assert.deepEqual([gone.ok.length, gone.failed.length, gone.missing.length], [1, 1, 1]);
  assert.ok(gone.failed[0].error instanceof PreconditionFailedError);
});

live("the catalogue", async ({ client, namespace }) => {
  await assert.rejects(client.getNamespace(namespace), NamespaceNotFoundError);
  const made = await client.createNamespace(namespace, { autoCreateCollections: false });
  assert.deepEqual([made.name, made.options.auto_create_collections], [namespace, false]);
  await assert.rejects(client.createNamespace(namespace), AlreadyExistsError);
  await assert.rejects(client.put("document", "users", newUuid(), {}), CollectionNotFoundError);
  const settings = { description: "People", cacheMaxAgeS: 5 };
  const users = await client.createCollection("users", "document", settings);
  assert.deepEqual([users.model, users.options.description, users.options.cache_max_age_s], ["document", "People", 5]);
  assert.ok(!Number.isNaN(Date.parse(users.created_at)));
  await assert.rejects(client.put("graph", "users", newUuid(), {}), ModelMismatchError);
  assert.equal((await client.alterCollection("users", { description: "Folk" })).options.description, "Folk");
  assert.deepEqual(await client.getCollection("users"), (await client.listCollections())[0]);
  await client.alterNamespace(namespace, { autoCreateCollections: true });
  assert.ok((await client.listNamespaces()).some(({ name }) => name === namespace));
  await assert.rejects(client.dropNamespace(namespace), NamespaceNotEmptyError);
  assert.equal(await client.dropCollection("users"), "users");
  assert.equal(await client.dropNamespace(namespace, { force: true }), namespace);
});

live("the cluster", async ({ client }) => {
  assert.ok((await client.topology()).tokens.length > 0);
  const health = await client.health();
  assert.deepEqual([health.live, health.ready, health.reason], [true, true, ""]);
  assert.ok((await client.version()).features.includes("batch"));
  assert.match(await client.metrics(), /^# HELP /m);
  assert.ok((await client.adminTopology()).shards.length > 0);
  assert.ok((await client.adminMetrics()).interval_ms > 0);
});

live("what the server refuses says why", async ({ client }) => {
  const tooLarge = client.put("document", "users", newUuid(), { a: "x".repeat(20_000_000) });
  await assert.rejects(tooLarge, (error) => {
    assert.ok(error instanceof TooLargeError);
    assert.ok(error.limit > 0);
    return true;
  });
  await assert.rejects(client.put("document", "users", newUuid(), { _key: "mine" }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.code, error.status, error.retryable], ["reserved_attribute", 400, false]);
    assert.match(error.requestId, /^[0-9a-f]{32}$/);
    return true;
  });
});

live("texts of all kinds survive", async ({ client }) => {
  const uuid = newUuid();
  const document = { "": "\u0000", "ä€😀": '"\\\n\t', " ": { __proto_: 1, nested: [[[]], {}, -0.5, 1e300] } };
  await client.put("document", "texts", uuid, document);
  assert.deepEqual(await client.get("document", "texts", uuid), document);
});
