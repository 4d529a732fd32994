// Keep a copy and ask whether it is still good: an unchanged document is not sent again.

import { NOT_MODIFIED, ThemisClient } from "themis-js";

const endpoint = process.env.THEMIS_ENDPOINT ?? "http://127.0.0.1:8080";
const client = new ThemisClient({ endpoints: [endpoint], namespace: "samples" });
const page = crypto.randomUUID();

await client.put("document", "pages", page, { title: "Home" });
const copy = await client.getEntity("document", "pages", page);
const ask = () => client.getEntity("document", "pages", page, { ifNoneMatch: copy.version });

console.log("unchanged:", (await ask()) === NOT_MODIFIED);

await client.patch("document", "pages", page, { title: "Start" });
console.log("changed:", await ask());
await client.delete("document", "pages", page);
await client.close();
