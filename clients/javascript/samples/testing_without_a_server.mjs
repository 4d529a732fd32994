// Test your own code without a server: a transport that answers from a function, and plays failures on demand.

import assert from "node:assert/strict";
import { ThemisClient, UnavailableError } from "themis-js";
import { FakeTransport, jsonResponse, problemResponse, TransportFailure } from "themis-js/testing";

/** The code under test: greets a person by what the database says. */
async function greet(client, uuid) {
  const person = await client.get("document", "people", uuid);
  return person === null ? "Hello, stranger!" : `Hello, ${person.name}!`;
}

const uuid = crypto.randomUUID();
const connect = (transport) =>
  new ThemisClient({ endpoints: ["http://fake:8080"], transport, retry: { retriesMax: 2, backoffBaseMs: 1 } });

const found = new FakeTransport(() => jsonResponse(200, { name: "Alice" }, { etag: '"1"' }));
assert.equal(await greet(connect(found), uuid), "Hello, Alice!");
console.log(
  "found:",
  found.requests.map(({ method, target }) => `${method} ${target}`),
);

const absent = new FakeTransport(() => problemResponse(404, "entity_not_found"));
assert.equal(await greet(connect(absent), uuid), "Hello, stranger!");
console.log("absent: greeted as a stranger");

let calls = 0;
const shaky = new FakeTransport(() => {
  calls++;
  if (calls === 1) {
    throw new TransportFailure("lost", "the cable was cut", { sent: true });
  }
  return jsonResponse(200, { name: "Alice" }, { etag: '"1"' });
});
assert.equal(await greet(connect(shaky), uuid), "Hello, Alice!");
console.log("shaky: the second attempt succeeded");

const down = new FakeTransport(() => problemResponse(503, "not_ready", { retryable: true }));
await assert.rejects(greet(connect(down), uuid), UnavailableError);
console.log(`down: given up after ${down.requests.length} attempts`);
