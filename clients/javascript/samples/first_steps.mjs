// Write, read, change and delete one document.

import { ThemisClient } from "themis-js";

const endpoint = process.env.THEMIS_ENDPOINT ?? "http://127.0.0.1:8080";
const client = new ThemisClient({ endpoints: [endpoint], namespace: "samples" });
const alice = crypto.randomUUID();

const written = await client.put("document", "people", alice, { name: "Alice", age: 30 });
console.log(`written: ${written.urn} in version ${written.version}`);

console.log("read:", await client.get("document", "people", alice));

await client.patch("document", "people", alice, { age: 31, city: "Rome" });
console.log("changed:", await client.get("document", "people", alice));

await client.delete("document", "people", alice);
console.log("deleted:", await client.get("document", "people", alice));
await client.close();
