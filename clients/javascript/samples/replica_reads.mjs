// Reads from the nearest replica that never show less than one has seen, and a session that is handed on.

import assert from "node:assert/strict";
import { LagExceededError, ThemisClient } from "themis-js";

const endpoints = (process.env.THEMIS_ENDPOINT ?? "http://127.0.0.1:8080").split(",");
const order = crypto.randomUUID();

// Reads that do not say otherwise may lag, and go to a replica near to dc1; writes go to the leaders, as ever.
const near = { endpoints, namespace: "samples", consistency: "eventual", datacenter: "dc1" };
const shop = new ThemisClient(near);
await shop.put("document", "orders", order, { state: "paid" });

// The session says what this client has written, and the replica that answers has it.
const found = await shop.getEntity("document", "orders", order);
console.log(found.doc, `from ${found.node}, a ${found.role}, its lag in ms: ${found.lagMs ?? "unknown"}`);
assert.deepEqual(found.doc, { state: "paid" });

// Another process goes on from here: a token is a short text, for a cookie or a message.
const invoices = new ThemisClient(near);
invoices.mergeSession(shop.sessionToken);
assert.deepEqual(await invoices.get("document", "orders", order), { state: "paid" });

// How old may it be? A replica that cannot prove that leaves it to the leader.
try {
  console.log(await shop.get("document", "orders", order, { consistency: "bounded", maxLagMs: 200 }));
} catch (error) {
  if (!(error instanceof LagExceededError)) {
    throw error;
  }
  console.log(`nobody is that fresh; the best replica is ${error.lagMs} ms behind`);
}

await shop.delete("document", "orders", order);
await Promise.all([shop.close(), invoices.close()]);
