// What goes wrong, how it is told, and what the client has already tried.

import { ApiError, EntityNotFoundError, ThemisClient, TimeoutError, TransportError } from "themis-js";

const endpoint = process.env.THEMIS_ENDPOINT ?? "http://127.0.0.1:8080";
const client = new ThemisClient({ endpoints: [endpoint], namespace: "samples" });
const nobody = crypto.randomUUID();

// The server says no: the class tells what kind of no, `code` which one exactly.
try {
  await client.patch("document", "people", nobody, { age: 31 });
} catch (error) {
  console.log("refused:", error instanceof EntityNotFoundError, error.code, error.status, error.retryable);
}
try {
  await client.put("document", "people", nobody, { _key: "reserved" });
} catch (error) {
  console.log("refused:", error instanceof ApiError, error.code, error.problem.pointer);
}

// Nobody answers: tried again with growing waits, and then told how often.
const lonely = new ThemisClient({ endpoints: ["http://127.0.0.1:9"], retry: { retriesMax: 2, backoffBaseMs: 10 } });
try {
  await lonely.put("document", "people", nobody, { name: "Alice" });
} catch (error) {
  console.log("no answer:", error instanceof TransportError, error.kind, `${error.attempts} attempts`);
  console.log("may it have been written all the same?", error.outcomeUnknown);
}

// The deadline is for the whole call, retries and waits included.
const hurried = new ThemisClient({ endpoints: [endpoint], namespace: "samples", timeout: 0.01 });
try {
  await hurried.get("document", "people", nobody);
} catch (error) {
  console.log("too late:", error instanceof TimeoutError || error instanceof TransportError);
}

// A write under a key of your own may be repeated, by you, tomorrow: it happens once.
const order = crypto.randomUUID();
const options = { idempotencyKey: `order-${order}` };
const first = await client.put("document", "orders", order, { items: 3 }, options);
const again = await client.put("document", "orders", order, { items: 3 }, options);
console.log("once:", first.version === again.version, "replayed:", again.replayed);

// Cancelled from outside: the call rejects with the signal's reason.
const controller = new AbortController();
const call = client.get("document", "people", nobody, { signal: controller.signal });
controller.abort();
await call.catch((error) => console.log("cancelled:", error.name));
await Promise.all([client.close(), lonely.close(), hurried.close()]);
