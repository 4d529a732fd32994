// Runs in the page: each test is an item of the list, and `window.finished` has them for whoever opened the page.

import * as themis from "/themis.mjs";

const { ConfigurationError, NOT_MODIFIED, ThemisClient } = themis;
const parameters = new URLSearchParams(location.search);
const [endpoint, silent, dead] = ["endpoint", "silent", "dead"].map((name) => parameters.get(name));
const namespace = `browser-${crypto.randomUUID().slice(0, 8)}`;
const client = new ThemisClient({ endpoints: [endpoint], namespace });
const newUuid = () => crypto.randomUUID();

function same(found, expected) {
  const [a, b] = [found, expected].map((value) => JSON.stringify(value));
  if (a !== b) {
    throw new Error(`${a} instead of ${b}`);
  }
}

async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not reject");
}

const TESTS = {
  "put, get, patch, exists, delete": async () => {
    const uuid = newUuid();
    same((await client.put("document", "users", uuid, { name: "Älice", n: 1 })).created, true);
    same(await client.get("document", "users", uuid), { name: "Älice", n: 1 });
    await client.patch("document", "users", uuid, { n: null });
    same(await client.get("document", "users", uuid), { name: "Älice" });
    same(await client.exists("document", "users", uuid), true);
    same((await client.delete("document", "users", uuid)) !== null, true);
    same(await client.get("document", "users", uuid), null);
    same(await client.exists("document", "users", uuid), false);
  },
  "versions come from a readable ETag, and conditions hold": async () => {
    const uuid = newUuid();
    const { version } = await client.put("document", "users", uuid, {}, { ifNoneMatch: "*" });
    const entity = await client.getEntity("document", "users", uuid);
    same([entity.version, entity.role, entity.lagMs], [version, "leader", 0]);
    same((await client.getEntity("document", "users", uuid, { ifNoneMatch: version })) === NOT_MODIFIED, true);
    const error = await rejection(client.put("document", "users", uuid, {}, { ifMatch: version + 1 }));
    same([error.name, error.version], ["PreconditionFailedError", version]);
  },
  "an idempotency key is sent, and a replay is told": async () => {
    const uuid = newUuid();
    const options = { idempotencyKey: `key-${uuid}` };
    same((await client.put("document", "users", uuid, {}, options)).replayed, false);
    same((await client.put("document", "users", uuid, {}, options)).replayed, true);
  },
  batches: async () => {
    const uuids = Array.from({ length: 300 }, newUuid).sort();
    const put = await client.batchPut("document", "many", Object.fromEntries(uuids.map((uuid, i) => [uuid, { i }])));
    same(put.raiseForErrors().ok.length, 300);
    same([...(await client.batchGet("document", "many", [uuids[1], newUuid()]))], [{ i: 1 }, null]);
    const seen = [];
    for await (const { urn } of client.iterate("many", { pageSize: 100 })) {
      seen.push(urn.uuid);
    }
    same(seen, uuids);
    same((await client.batchDelete("document", "many", uuids)).ok.length, 300);
  },
  "errors have their codes": async () => {
    const error = await rejection(client.put("document", "users", newUuid(), { _key: "mine" }));
    same([error.name, error.code, error.status], ["BadRequestError", "reserved_attribute", 400]);
    same(/^[0-9a-f]{32}$/.test(error.requestId), true);
    const missing = await rejection(client.getCollection("nowhere"));
    same([missing.name, missing.status], ["CollectionNotFoundError", 404]);
  },
  "the catalogue and the cluster": async () => {
    await client.createCollection("made", "graph", { description: "in a browser" });
    same((await client.getCollection("made")).options.description, "in a browser");
    same(await client.dropCollection("made"), "made");
    same((await client.health()).ready, true);
    same((await client.topology()).tokens.length > 0, true);
  },
  "integers beyond 2^53-1": async () => {
    const exact = new ThemisClient({ endpoints: [endpoint], namespace, integers: "bigint" });
    const uuid = newUuid();
    await exact.put("document", "numbers", uuid, { n: 9007199254740993n });
    same(String((await exact.get("document", "numbers", uuid)).n), "9007199254740993");
    same((await client.get("document", "numbers", uuid)).n, 9007199254740992);
    await exact.close();
  },
  "a call is aborted": async () => {
    const hanging = new ThemisClient({ endpoints: [silent] });
    const controller = new AbortController();
    const call = hanging.get("document", "users", newUuid(), { signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    same((await rejection(call)).name, "AbortError");
    const late = await rejection(hanging.get("document", "users", newUuid(), { timeout: 300 }));
    same(late.name, "TimeoutError");
    await hanging.close();
  },
  "nobody listens": async () => {
    const retry = { backoffBaseMs: 1 };
    const nobody = new ThemisClient({ endpoints: [dead], retry, timeout: 5000 });
    const error = await rejection(nobody.get("document", "users", newUuid()));
    same([error.name, error.kind], ["TransportError", "lost"]);
  },
  "what only Node can do is refused": async () => {
    const error = await rejection(Promise.resolve().then(() => new ThemisClient({ endpoints: [endpoint], tls: {} })));
    same(error instanceof ConfigurationError, true);
  },
};

const results = [];
document.querySelector("#about").textContent = `themis-js ${themis.VERSION}, ${navigator.userAgent}`;
for (const [name, run] of Object.entries(TESTS)) {
  const failure = await run().then(
    () => null,
    (error) => String(error.stack ?? error),
  );
  results.push({ name, failure });
  const item = document.createElement("li");
  item.className = failure === null ? "passed" : "failed";
  item.textContent = failure === null ? name : `${name}: ${failure}`;
  document.querySelector("#results").append(item);
}
await client.dropNamespace(namespace, { force: true });
await client.close();
window.finished = results;
