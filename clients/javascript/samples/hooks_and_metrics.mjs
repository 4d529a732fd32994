// Watch what the client does: count, measure, log; and see what the server counts.

import { ThemisClient } from "themis-js";

/** Counts calls and retries by operation, and sums their times. */
class Counter {
  calls = new Map();

  onRequestStart({ headers }) {
    // Carried to the server with the call, whose logs then know our trace.
    headers.traceparent = `00-${"0af7651916cd43dd8448eb211c80319c"}-b7ad6b7169203331-01`;
  }

  onRequestRetry({ operation, attempt, reason, waitMs }) {
    console.log(`${operation}: attempt ${attempt} failed (${reason}), again in ${waitMs.toFixed(0)} ms`);
  }

  onRequestEnd({ operation, durationMs, error }) {
    const known = this.calls.get(operation) ?? { count: 0, errors: 0, totalMs: 0 };
    known.count++;
    known.errors += error === null ? 0 : 1;
    known.totalMs += durationMs;
    this.calls.set(operation, known);
  }
}

const endpoint = process.env.THEMIS_ENDPOINT ?? "http://127.0.0.1:8080";
const counter = new Counter();
// The first of these endpoints answers to nobody: its failure is seen, and the call succeeds all the same.
const endpoints = ["http://127.0.0.1:9", endpoint];
const client = new ThemisClient({ endpoints, namespace: "samples", hooks: [counter] });

const uuid = crypto.randomUUID();
await client.put("document", "people", uuid, { name: "Alice" });
for (let read = 0; read < 10; read++) {
  await client.get("document", "people", uuid);
}
await client.getCollection("nowhere").catch((error) => console.log("an error is counted, too:", error.code));
await client.delete("document", "people", uuid);

for (const [operation, { count, errors, totalMs }] of counter.calls) {
  console.log(`${operation}: ${count} calls, ${errors} errors, ${(totalMs / count).toFixed(1)} ms on average`);
}
const lines = (await client.metrics()).split("\n").filter((line) => line.startsWith("# HELP"));
console.log(`the node itself has ${lines.length} metrics`);
await client.close();
