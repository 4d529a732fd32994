// A writer that goes on while leaders move: no write fails, none is lost, and each is done once.
//
// Start it on a cluster (`./themis cluster up --nodes 3`), and kill a node while it runs (`./themis cluster kill 2`). On a
// cluster it also moves a leader by itself; on a node that is alone it only writes.
//
//   THEMIS_ENDPOINT=http://127.0.0.1:8080 SECONDS=20 node failover.mjs

import assert from "node:assert/strict";
import { ThemisClient } from "themis-js";

const endpoints = (process.env.THEMIS_ENDPOINT ?? "http://127.0.0.1:8080").split(",");
const durationMs = Number(process.env.SECONDS ?? "2") * 1000;

// Says what the SDK did about trouble, as it happens.
let retries = 0;
const watching = {
  onRequestRetry({ operation, endpoint, reason, waitMs }) {
    retries++;
    console.log(`  ${operation} at ${endpoint}: ${reason}; again in ${Math.round(waitMs)} ms`);
  },
};

// A leader is elected within a second or two: patience for that, within the deadline of each call.
const retry = { retriesMax: 10, attemptTimeoutMs: 3000 };
const client = new ThemisClient({ endpoints, namespace: "samples", timeout: 15_000, retry, hooks: [watching] });

/** Give one shard another leader, if there is a node to give it to. */
async function moveALeader() {
  const [shard] = (await client.adminShards()).items;
  const other = shard.replicas.find(({ role, state }) => role === "voter" && state === "follower");
  if (other !== undefined) {
    const moved = await client.adminTransferLeader(shard.shard_id, { target: other.node_id });
    console.log(`${moved.shard_id} is led by ${moved.leader} now, in term ${moved.leader_term}`);
  }
}

const uuids = Array.from({ length: 8 }, () => crypto.randomUUID());
const begin = performance.now();
let [rounds, slowest, hasMoved] = [0, 0, false];
while (performance.now() < begin + durationMs) {
  rounds++;
  for (const uuid of uuids) {
    const started = performance.now();
    // The SDK gives each write a key: sent again after a failover, it is still done once.
    await client.put("document", "counters", uuid, { value: rounds });
    slowest = Math.max(slowest, performance.now() - started);
  }
  if (!hasMoved && performance.now() > begin + durationMs / 2) {
    hasMoved = true;
    await moveALeader();
  }
}

const values = [...(await client.batchGet("document", "counters", uuids))].map((document) => document?.value);
console.log(`${rounds * uuids.length} writes, ${retries} retries, the slowest took ${Math.round(slowest)} ms`);
assert.deepEqual(new Set(values), new Set([rounds]));
await client.batchDelete("document", "counters", uuids);
await client.close();
