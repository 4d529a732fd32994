// A writer that goes on while a leader dies: no write fails, none is done twice, and nothing acknowledged is missing.
//
// Start it on a cluster (`./themis cluster up --nodes 3`) and kill a node while it runs (`./themis cluster kill 2`, and
// later `./themis cluster start 2`). On a node that is alone it only writes and reads.
//
//   THEMIS_ENDPOINT=http://127.0.0.1:8080,http://127.0.0.1:8081 SECONDS=20 node failover.mjs

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { ThemisClient } from "themis-js";

const endpoints = (process.env.THEMIS_ENDPOINT ?? "http://127.0.0.1:8080").split(",");
const seconds = Number(process.env.SECONDS ?? "2");

// Counts what the SDK did about trouble.
let retries = 0;
const watching = {
  onRequestRetry() {
    retries++;
  },
};

// A leader is elected within a second or two: patience for that, within the deadline of each call.
const retry = { retriesMax: 20, attemptTimeoutMs: 3000 };
const client = new ThemisClient({ endpoints, namespace: "samples", timeout: 20_000, retry, hooks: [watching] });

const acknowledged = new Map();
for (let second = 1; second <= seconds; second++) {
  retries = 0;
  let [writes, slowest] = [0, 0];
  const endsAt = performance.now() + 1000;
  while (performance.now() < endsAt) {
    const [uuid, document] = [crypto.randomUUID(), { number: acknowledged.size }];
    const started = performance.now();
    // The SDK gives each write an idempotency key: sent again after a failover, it is still done once.
    const { created } = await client.put("document", "ledger", uuid, document);
    slowest = Math.max(slowest, performance.now() - started);
    assert.equal(created, true, `${uuid} was there before it was written: it was written twice`);
    acknowledged.set(uuid, document);
    assert.deepEqual(await client.get("document", "ledger", uuid), document);
    writes++;
    await sleep(5);
  }
  const took = Math.round(slowest);
  console.log(`second ${second}: ${writes} writes acknowledged, the slowest took ${took} ms, ${retries} retries`);
}

const uuids = [...acknowledged.keys()];
const found = [...(await client.batchGet("document", "ledger", uuids))];
const missing = uuids.filter((_, index) => found[index] === null);
assert.deepEqual(found, [...acknowledged.values()], `missing: ${missing}`);
console.log(`${acknowledged.size} writes acknowledged, ${missing.length} missing`);
(await client.batchDelete("document", "ledger", uuids)).raiseForErrors();
await client.close();
