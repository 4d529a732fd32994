// Builds the package and runs its tests.
//
//   npm test -- [--only unit|package|live|browser|samples]... [--junit FILE] [--screenshot FILE] [--no-build]
//
// `live`, `browser` and `samples` need a server: THEMIS_ENDPOINT, or the one that this repository's .venv has. `browser`
// needs Chromium: CHROMIUM, or /usr/bin/chromium.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NEEDY = ["package", "live", "browser", "samples"];
const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    junit: { type: "string" },
    screenshot: { type: "string" },
    "no-build": { type: "boolean", default: false },
  },
});

const all = readdirSync(join(root, "tests")).filter((name) => name.endsWith(".test.mjs"));
const partOf = (name) => NEEDY.find((part) => name === `${part}.test.mjs`) ?? "unit";
const chosen = all.filter((name) => values.only.length === 0 || values.only.includes(partOf(name)));
if (chosen.length === 0) {
  console.error(`--only is one of unit, ${NEEDY.join(", ")}`);
  process.exit(2);
}

function run(args, env = {}) {
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (status !== 0) {
    process.exit(status ?? 1);
  }
}

if (!values["no-build"]) {
  run([join(root, "scripts/build.mjs")]);
}
const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
if (values.junit !== undefined) {
  reporters.push("--test-reporter=junit", `--test-reporter-destination=${resolve(values.junit)}`);
}
const screenshot = values.screenshot === undefined ? {} : { THEMIS_SCREENSHOT: resolve(values.screenshot) };
run(["--test", "--test-concurrency=2", ...reporters, ...chosen.map((name) => join("tests", name))], screenshot);
