// The package as others get it: packed, installed into an empty project, used from ESM, CommonJS and TypeScript.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { OPERATIONS } from "../dist/esm/_generated/operations.js";
import * as themis from "../dist/esm/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const project = mkdtempSync(join(tmpdir(), "themis-js-package-"));
const run = (program, args) => execFileSync(program, args, { cwd: project, encoding: "utf8", stdio: "pipe" });

before(() => {
  // The build was made just now: `prepack` would make it again under the feet of other tests.
  execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", project], { cwd: root, stdio: "pipe" });
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true }');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./themis-js-${own.version}.tgz`]);
});

after(() => rmSync(project, { recursive: true }));

const PROGRAM = `
  const transport = new FakeTransport(() => jsonResponse(200, { name: "Alice" }, { etag: '"7"' }));
  const client = new ThemisClient({ endpoints: ["http://fake"], transport });
  client.get("document", "users", "550e8400-e29b-41d4-a716-446655440000").then(async (found) => {
    console.log(JSON.stringify(found), VERSION, transport.requests[0].method);
    const failing = new FakeTransport(() => { throw new TransportFailure("connect", "no", { sent: false }); });
    const other = new ThemisClient({ endpoints: ["http://fake"], transport: failing, maxRetries: 0 });
    const error = await other.get("document", "users", "550e8400-e29b-41d4-a716-446655440000").catch((caught) => caught);
    console.log(error.name, error instanceof ThemisError);
  });`;
const SAID = `{"name":"Alice"} ${own.version} GET\nTransportError true\n`;

test("it has no dependencies, and the version it says", () => {
  assert.equal(own.dependencies, undefined);
  assert.equal(themis.VERSION, own.version);
});

test("it holds what is built and what is to be read, and nothing else", () => {
  const files = readdirSync(join(project, "node_modules/themis-js"));
  assert.deepEqual(files.sort(), ["CHANGELOG.md", "LICENSE", "README.md", "dist", "package.json"]);
});

test("ESM", () => {
  writeFileSync(
    join(project, "esm.mjs"),
    `import { ThemisClient, ThemisError, VERSION } from "themis-js";
     import { FakeTransport, jsonResponse, TransportFailure } from "themis-js/testing";${PROGRAM}`,
  );
  assert.equal(run(process.execPath, ["esm.mjs"]), SAID);
});

test("CommonJS", () => {
  writeFileSync(
    join(project, "cjs.cjs"),
    `const { ThemisClient, ThemisError, VERSION } = require("themis-js");
     const { FakeTransport, jsonResponse, TransportFailure } = require("themis-js/testing");${PROGRAM}`,
  );
  assert.equal(run(process.execPath, ["cjs.cjs"]), SAID);
});

test("ESM and CommonJS in one program understand each other's failures", () => {
  writeFileSync(
    join(project, "both.mjs"),
    `import { createRequire } from "node:module";
     import { ThemisClient, ThemisError, VERSION } from "themis-js";
     const { FakeTransport, jsonResponse, TransportFailure } = createRequire(import.meta.url)("themis-js/testing");
     ${PROGRAM}`,
  );
  assert.equal(run(process.execPath, ["both.mjs"]), SAID);
});

test("ESM and CommonJS export the same, and browsers too", async () => {
  writeFileSync(join(project, "names.cjs"), 'console.log(Object.keys(require("themis-js")).sort().join());');
  const names = Object.keys(themis).sort().join();
  assert.equal(run(process.execPath, ["names.cjs"]).trim(), names);
  assert.equal(
    Object.keys(await import("../dist/browser/themis.mjs"))
      .sort()
      .join(),
    names,
  );
});

test("the browser build needs nothing of Node", () => {
  const text = readFileSync(join(root, "dist/browser/themis.mjs"), "utf8");
  assert.doesNotMatch(text, /^import |\brequire\(|from "node:/m);
});

const TYPESCRIPT = `
  import { type Document, type Entity, NOT_MODIFIED, ThemisClient, PreconditionFailedError } from "themis-js";
  import { FakeTransport, jsonResponse } from "themis-js/testing";
  interface User { name: string; age?: number }
  export async function use(): Promise<void> {
    const transport = new FakeTransport((request) => jsonResponse(200, { method: request.method }));
    const client = new ThemisClient({ endpoints: ["http://x"], transport, integers: "bigint", tls: { caFile: "x" } });
    const user: User | null = await client.get<User>("document", "users", "u", { signal: AbortSignal.timeout(5) });
    const data: User = { name: user?.name ?? "Alice" };
    const version: number = (await client.put("document", "users", "u", data)).version;
    const plain: Entity<User> | null = await client.getEntity<User>("document", "users", "u");
    const found = await client.getEntity("document", "users", "u", { ifNoneMatch: [version] });
    if (found !== NOT_MODIFIED && found !== null) {
      const doc: Document = found.doc;
      console.log(doc, plain);
    }
    for await (const { urn, doc } of client.iterate<User>("users")) console.log(urn.uuid, doc?.name);
    (await client.batchPut("document", "users", { u: data })).raiseForErrors();
    await client.batchPut("document", "users", [["u", data], ["v", data, 0]]);
    for (const one of await client.batchGet<User>("document", "users", ["u"])) console.log(one?.age);
    // @ts-expect-error: no such model
    await client.get("documents", "users", "u").catch((error: unknown) => error instanceof PreconditionFailedError);
  }`;

for (const [module, moduleResolution, type] of [
  ["node16", "node16", "module"],
  ["node16", "node16", "commonjs"],
  ["esnext", "bundler", "module"],
]) {
  test(`TypeScript with moduleResolution ${moduleResolution} in a package of type ${type}`, () => {
    const folder = join(project, `ts-${moduleResolution}-${type}`);
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type }));
    writeFileSync(join(folder, "use.ts"), TYPESCRIPT);
    const lib = ["ES2022", "DOM"];
    const strict = { strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true, types: [] };
    const compilerOptions = { module, moduleResolution, target: "es2022", lib, noEmit: true, ...strict };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
    try {
      run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]);
    } catch (error) {
      assert.fail(error.stdout);
    }
  });
}

test("every operation of the specification has its method", () => {
  const methods = {
    headEntity: "exists",
    putEntity: "put",
    patchEntity: "patch",
    deleteEntity: "delete",
    listEntities: "iterate",
    getReady: "health",
    getTopology: "topology",
    getVersion: "version",
    getMetrics: "metrics",
  };
  const notForPrograms = new Set(["getLive", "getOpenapi"]);
  for (const operation of Object.keys(OPERATIONS).filter((name) => !notForPrograms.has(name))) {
    assert.equal(typeof themis.ThemisClient.prototype[methods[operation] ?? operation], "function", operation);
  }
});
