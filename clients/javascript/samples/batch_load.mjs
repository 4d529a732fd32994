// Load many rows with few requests, read some back, and see what a partial failure looks like.

import { createHash } from "node:crypto";
import { BatchError, ThemisClient } from "themis-js";

const ROWS = 5_000;
const endpoint = process.env.THEMIS_ENDPOINT ?? "http://127.0.0.1:8080";
const client = new ThemisClient({ endpoints: [endpoint], namespace: "samples" });

/** A key made from the row itself: loading twice changes nothing. (A UUID of version 8, RFC 9562.) */
function key(number) {
  const hex = createHash("sha256").update(`sample-row-${number}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function* rows() {
  for (let number = 0; number < ROWS; number++) {
    yield [key(number), { number, square: number ** 2 }];
  }
}

const began = performance.now();
const result = await client.batchPut("relational", "rows", rows());
result.raiseForErrors();
console.log(`${result.ok.length} rows in ${((performance.now() - began) / 1000).toFixed(2)} s`);
console.log("on the server:", (await client.countCollection("rows")).count);

const found = await client.batchGet("relational", "rows", [key(3), key(ROWS + 1), key(5)]);
console.log("two that are there, one that is not:", [...found]);

// 0 says "must not exist": the first of these does.
const mixed = await client.batchPut("relational", "rows", [
  [key(0), { number: 0 }, 0],
  [key(1), { number: 1, square: 1 }],
]);
console.log(`${mixed.ok.length} written, ${mixed.failed.length} refused: ${mixed.failed[0].error.message}`);
try {
  mixed.raiseForErrors();
} catch (error) {
  console.log("as an exception:", error instanceof BatchError, error.message);
}
await client.close();
