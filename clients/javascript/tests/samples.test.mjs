// Every sample runs against a real server, says something and ends with 0; and so do the first lines of the README.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { noServer, startNode } from "./node_process.mjs";

const folder = fileURLToPath(new URL("../samples/", import.meta.url));
const readme = new URL("../README.md", import.meta.url);

let node;
before(async () => {
  node = noServer === false ? await startNode() : undefined;
});
after(() => node?.stop());

function run(file) {
  const options = { env: { ...process.env, THEMIS_ENDPOINT: node.endpoint }, timeout: 60_000 };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file], options, (error, stdout, stderr) => {
      if (error === null) {
        resolve({ stdout, stderr });
      } else {
        reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
      }
    });
  });
}

for (const name of readdirSync(folder).filter((file) => file.endsWith(".mjs"))) {
  test(name, { skip: noServer }, async () => {
    const { stdout, stderr } = await run(folder + name);
    assert.notEqual(stdout, "");
    assert.equal(stderr, "");
  });
}

test("the first lines of the README work when pasted", { skip: noServer }, async (t) => {
  const [, lines] = /```javascript\n([^]*?)```/.exec(readFileSync(readme, "utf8"));
  const pasted = fileURLToPath(new URL(`pasted-${process.pid}.mjs`, import.meta.url));
  writeFileSync(pasted, lines.replace("http://127.0.0.1:8080", node.endpoint));
  t.after(() => rmSync(pasted));
  assert.match((await run(pasted)).stdout, /Alice/);
});
