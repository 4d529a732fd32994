// A JavaScript client under measurement, in a process of its own: `node client.mjs KIND OPERATION PORT`.
//
// The first line of stdin is a JSON list of uuids; each further line is a number of seconds to work for, and is answered
// by a line `{"requests", "cpu_s"}`. The process lives through all rounds, so that what it has compiled stays compiled.

import process from "node:process";
import { createInterface } from "node:readline";

const LINES = 16;
const ITEMS = 100;
const PREFIX = "urn:themis:document:bench:people:";

const [kind, operation, port] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}`;

function check(document) {
  if (document?.tags?.[0] !== "alpha") {
    throw new Error(`not the document that was stored: ${JSON.stringify(document)}`);
  }
}

async function json(response) {
  if (!response.ok) {
    throw new Error(`answered ${response.status}`);
  }
  return response.json();
}

const PLAIN = {
  get: async (uuid) => check(await json(await fetch(`${url}/entity/${encodeURIComponent(PREFIX + uuid)}`))),
  batch: async (uuids) => {
    const body = JSON.stringify({ urns: uuids.map((uuid) => PREFIX + uuid) });
    const headers = { "Content-Type": "application/json" };
    const answer = await json(await fetch(`${url}/batch/get`, { method: "POST", headers, body }));
    answer.items.forEach((item) => check(item.doc));
  },
};

async function themis() {
  const { ThemisClient } = await import("../../clients/javascript/dist/esm/index.js");
  const client = new ThemisClient({ endpoints: [url], namespace: "bench" });
  return {
    get: async (uuid) => check(await client.get("document", "people", uuid)),
    batch: async (uuids) => {
      for (const document of await client.batchGet("document", "people", uuids)) {
        check(document);
      }
    },
    close: () => client.close(),
  };
}

const client = kind === "themis" ? await themis() : PLAIN;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const uuids = JSON.parse((await lines.next()).value);
let position = 0;

function take(count) {
  if (position + count > uuids.length) {
    position = 0;
  }
  position += count;
  return uuids.slice(position - count, position);
}

const one = operation === "get" ? () => client.get(take(1)[0]) : () => client.batch(take(ITEMS));

async function measure(seconds) {
  const end = performance.now() + seconds * 1000;
  const before = process.cpuUsage();
  let requests = 0;
  async function line() {
    while (performance.now() < end) {
      await one();
      requests += 1;
    }
  }
  await Promise.all(Array.from({ length: LINES }, line));
  const used = process.cpuUsage(before);
  return { requests, cpu_s: (used.user + used.system) / 1e6 };
}

for await (const seconds of lines) {
  console.log(JSON.stringify(await measure(Number(seconds))));
}
await client.close?.();
