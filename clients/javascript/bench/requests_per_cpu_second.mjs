// How many requests a client gets out of one second of its own CPU: themis-js beside plain `fetch`, in one run.
//
//   npm run bench -- [--seconds 2] [--rounds 5] [--concurrency 16] [--json]
//
// Both do the same against the same live server (THEMIS_ENDPOINT, or one that is started for it): GET one document of
// 200 bytes, and read 100 of them as a batch. Rounds alternate, so that whatever else the machine does meets both; what
// counts is the median of the rounds' ratios. Measured is `process.cpuUsage()`: the server's speed does not matter.

import { parseArgs } from "node:util";
import { ThemisClient } from "../dist/esm/index.js";
import { startNode } from "../tests/node_process.mjs";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
    concurrency: { type: "string", default: "16" },
    json: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const concurrency = Number(values.concurrency);
const BAR = 0.8;

/** Requests per CPU-second of `one`, with so many at once. */
async function measure(one) {
  const until = async (end) => {
    let count = 0;
    while (performance.now() < end) {
      await one();
      count++;
    }
    return count;
  };
  const all = (end) => Promise.all(Array.from({ length: concurrency }, () => until(end)));
  await all(performance.now() + 200);
  const cpu = process.cpuUsage();
  const counts = await all(performance.now() + seconds * 1000);
  const { user, system } = process.cpuUsage(cpu);
  return counts.reduce((a, b) => a + b) / ((user + system) / 1e6);
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

const node = await startNode();
const client = new ThemisClient({ endpoints: [node.endpoint], namespace: "bench" });
try {
  const uuids = Array.from({ length: 100 }, () => crypto.randomUUID());
  const [uuid] = uuids;
  const put = await client.batchPut("document", "things", uuids.map((name) => [name, { name: "x".repeat(187) }])); // prettier-ignore
  const urns = put.raiseForErrors().ok.map(({ urn }) => urn.toString());
  const target = `${node.endpoint}/entity/${encodeURIComponent(urns[0])}`;
  const headers = { "Content-Type": "application/json" };
  const cases = {
    GET: {
      fetch: async () => (await fetch(target)).json(),
      themis: () => client.get("document", "things", uuid),
    },
    "batch_get of 100": {
      fetch: async () => {
        const body = JSON.stringify({ urns });
        return (await fetch(`${node.endpoint}/batch/get`, { method: "POST", headers, body })).json();
      },
      themis: async () => (await client.batchGet("document", "things", uuids)).toArray(),
    },
  };
  const results = {};
  for (const [name, { fetch: plain, themis }] of Object.entries(cases)) {
    const pairs = [];
    for (let round = 0; round < rounds; round++) {
      // Which one is first alternates, too.
      const order = round % 2 === 0 ? [plain, themis] : [themis, plain];
      const [first, second] = [await measure(order[0]), await measure(order[1])];
      pairs.push(round % 2 === 0 ? { plain: first, themis: second } : { plain: second, themis: first });
    }
    results[name] = {
      fetch: Math.round(median(pairs.map((pair) => pair.plain))),
      themis: Math.round(median(pairs.map((pair) => pair.themis))),
      ratio: Number(median(pairs.map((pair) => pair.themis / pair.plain)).toFixed(2)),
    };
  }
  if (values.json) {
    console.log(JSON.stringify({ node: process.version, concurrency, seconds, rounds, results }));
  } else {
    for (const [name, { fetch: plain, themis, ratio }] of Object.entries(results)) {
      console.log(
        `${name.padEnd(20)} themis ${themis}/s  fetch ${plain}/s  of one CPU: ${ratio} times fetch (bar ${BAR})`,
      );
    }
  }
  process.exitCode = Object.values(results).every(({ ratio }) => ratio >= BAR) ? 0 : 1;
} finally {
  await client.close();
  await node.stop();
}
