// Walk through a collection page by page, stop, and go on later from the cursor.

import assert from "node:assert/strict";
import { ThemisClient } from "themis-js";

const endpoint = process.env.THEMIS_ENDPOINT ?? "http://127.0.0.1:8080";
const client = new ThemisClient({ endpoints: [endpoint], namespace: "samples" });
const collection = `walk_${crypto.randomUUID().slice(0, 8)}`;

await client.createCollection(collection, "document", { description: "For the sample iterate_collection." });
const items = Array.from({ length: 250 }, (_, n) => [crypto.randomUUID(), { n }]);
(await client.batchPut("document", collection, items)).raiseForErrors();

const pages = client.iterate(collection, { pageSize: 100 });
const first = [];
for await (const entity of pages) {
  first.push(entity);
  if (first.length === 100) {
    break;
  }
}
console.log(`the first page: ${first.length} entities from ${first[0].urn.uuid} to ${first.at(-1).urn.uuid}`);

let rest = 0;
for await (const { doc } of client.iterate(collection, { pageSize: 100, cursor: pages.cursor })) {
  assert.ok(doc !== null);
  rest++;
}
console.log(`from the cursor on: ${rest}`);
assert.equal(first.length + rest, (await client.countCollection(collection)).count);

let versions = 0;
for await (const { version } of client.iterate(collection, { include: "version" })) {
  assert.ok(version > 0);
  versions++;
}
console.log(`versions only: ${versions}`);
await client.dropCollection(collection);
await client.close();
