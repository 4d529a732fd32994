// Whether memory stays flat: one client, a million requests, and the resident set now and then.
//
//   node bench/memory.mjs [--requests 1000000] [--json]
//
// GET, PUT and a batch of reads by turns, some of them cancelled, some answered by an error, against a small server in a
// process of its own. Ends with 1 if the last quarter needed 16 MiB more than the second one (the first warms up), by their
// medians: between two collections of garbage the figures go up and down.

import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "1000000" },
    concurrency: { type: "string", default: "16" },
    json: { type: "boolean", default: false },
    serve: { type: "boolean", default: false },
  },
});
const SAMPLES = 20;
const GROWTH_BYTES_MAX = 16 * 1024 * 1024;

function serve() {
  const document = JSON.stringify({ name: "x".repeat(187) });
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const send = (status, type, body, more = {}) => {
        response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body), ...more });
        response.end(body);
      };
      if (request.url.startsWith("/batch/")) {
        const { urns } = JSON.parse(Buffer.concat(chunks).toString());
        const items = urns.map((urn) => ({ urn, version: 7, doc: { a: 1 } }));
        send(200, "application/json", JSON.stringify({ items }));
      } else if (!request.url.startsWith("/entity/")) {
        send(404, "application/problem+json", '{"code":"route_not_found"}');
      } else if (request.method === "PUT") {
        send(200, "application/json", '{"urn":"u","version":7}', { ETag: '"7"' });
      } else if (request.method === "DELETE") {
        send(404, "application/problem+json", '{"code":"entity_not_found"}');
      } else {
        send(200, "application/json", document, { ETag: '"7"', "Themis-Role": "leader", "Themis-Lag-Ms": "0" });
      }
    });
  });
  server.listen(0, "127.0.0.1", () => process.send(server.address().port));
  process.on("disconnect", () => process.exit());
}

async function run() {
  const { ThemisClient } = await import("../dist/esm/index.js");
  const server = fork(fileURLToPath(import.meta.url), ["--serve"]);
  const [port] = await once(server, "message");
  const client = new ThemisClient({ endpoints: [`http://127.0.0.1:${port}`] });
  const total = Number(values.requests);
  const uuids = Array.from({ length: 10 }, () => crypto.randomUUID());
  const shared = new AbortController();
  const { signal } = shared;
  const doc = { a: 1, b: "text", c: [1, 2, 3] };
  const turns = [
    (uuid) => client.get("document", "things", uuid, { signal }),
    (uuid) => client.put("document", "things", uuid, doc),
    (uuid) => client.getEntity("document", "things", uuid),
    (uuid) => client.delete("document", "things", uuid),
    () => client.batchGet("document", "things", uuids),
    (uuid) => client.get("document", "things", uuid),
    (uuid) => client.exists("document", "things", uuid),
    async (uuid, number) => {
      const cancelling = new AbortController();
      const call = client.get("document", "things", uuid, { signal: number % 50 === 7 ? cancelling.signal : signal });
      cancelling.abort();
      await call.catch((error) => (error.name === "AbortError" ? undefined : Promise.reject(error)));
    },
  ];
  const samples = [];
  let sent = 0;
  const began = performance.now();
  const work = async () => {
    while (sent < total) {
      const number = sent++;
      if (number % Math.ceil(total / SAMPLES) === 0) {
        const { rss, heapUsed } = process.memoryUsage();
        samples.push({ requests: number, rss, heapUsed });
      }
      await turns[number % turns.length](uuids[number % uuids.length], number);
    }
  };
  await Promise.all(Array.from({ length: Number(values.concurrency) }, work));
  const { rss, heapUsed } = process.memoryUsage();
  samples.push({ requests: total, rss, heapUsed });
  await client.close();
  server.disconnect();
  const quarter = (which) => samples.slice((samples.length * which) >> 2, (samples.length * (which + 1)) >> 2);
  const median = (part) => part.map((sample) => sample.rss).sort((a, b) => a - b)[part.length >> 1];
  const growth = median(quarter(3)) - median(quarter(1));
  const seconds = (performance.now() - began) / 1000;
  if (values.json) {
    console.log(JSON.stringify({ node: process.version, requests: total, seconds, growth, samples }));
  } else {
    const mib = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
    for (const sample of samples) {
      console.log(
        `${String(sample.requests).padStart(9)} requests: ${mib(sample.rss)} resident, ${mib(sample.heapUsed)} heap`,
      );
    }
    console.log(
      `${total} requests in ${seconds.toFixed(0)} s; the last quarter needed ${mib(growth)} more than the second`,
    );
  }
  process.exitCode = growth <= GROWTH_BYTES_MAX ? 0 : 1;
}

await (values.serve ? serve() : run());
