// Many tasks change one document, and no change is lost: read the version, write only if it is still that one.

import assert from "node:assert/strict";
import { PreconditionFailedError, ThemisClient } from "themis-js";

const TASKS = 4;
const STEPS = 10;
const endpoint = process.env.THEMIS_ENDPOINT ?? "http://127.0.0.1:8080";
const client = new ThemisClient({ endpoints: [endpoint], namespace: "samples" });
const counter = crypto.randomUUID();

/** Add one to the counter; returns how many tries it took. */
async function increment() {
  for (let tries = 1; ; tries++) {
    const { doc, version } = await client.getEntity("document", "counters", counter);
    try {
      await client.put("document", "counters", counter, { value: doc.value + 1 }, { ifMatch: version });
      return tries;
    } catch (error) {
      if (!(error instanceof PreconditionFailedError)) {
        throw error;
      }
      // Somebody was faster: look again.
    }
  }
}

async function work() {
  let tries = 0;
  for (let step = 0; step < STEPS; step++) {
    tries += await increment();
  }
  return tries;
}

await client.put("document", "counters", counter, { value: 0 }, { ifNoneMatch: "*" });
const tries = await Promise.all(Array.from({ length: TASKS }, work));
const final = await client.get("document", "counters", counter);
const sum = tries.reduce((a, b) => a + b);
console.log(`${TASKS * STEPS} increments by ${TASKS} tasks took ${sum} tries; the counter says`, final);
assert.deepEqual(final, { value: TASKS * STEPS });
await client.delete("document", "counters", counter);
await client.close();
