// A real node for tests: THEMIS_ENDPOINT, or one on an empty directory that ends with the tests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, openSync, closeSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ThemisClient } from "../dist/esm/index.js";
import { until } from "./scripted_server.mjs";

const program = fileURLToPath(new URL("../../../.venv/bin/themis-server", import.meta.url));

/** Why there is no server to test against; false if there is. */
export const noServer =
  process.env.THEMIS_ENDPOINT === undefined && !existsSync(program) ? "no THEMIS_ENDPOINT and no themis-server" : false;

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Start a node; `stop` ends it. */
export async function startNode({ corsOrigins = [], isOwn = false } = {}) {
  if (process.env.THEMIS_ENDPOINT !== undefined && !isOwn) {
    return { endpoint: process.env.THEMIS_ENDPOINT, stop: async () => {} };
  }
  const folder = mkdtempSync(join(tmpdir(), "themis-js-node-"));
  const port = await freePort();
  const log = openSync(join(folder, "log"), "w");
  const settings = corsOrigins.length === 0 ? [] : ["--set", `http.cors_origins=${corsOrigins.join(",")}`];
  const argv = ["start", "--data", join(folder, "data"), "--port", String(port), ...settings];
  const node = spawn(program, argv, { stdio: ["ignore", log, log] });
  closeSync(log);
  const ended = once(node, "exit");
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new ThemisClient({ endpoints: [endpoint] });
  try {
    await until(async () => {
      if (node.exitCode !== null) {
        throw new Error(readFileSync(join(folder, "log"), "utf8"));
      }
      return (await client.health({ timeout: 1000 })).ready;
    }, 60_000);
  } finally {
    await client.close();
  }
  return {
    endpoint,
    stop: async () => {
      node.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
