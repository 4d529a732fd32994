// Servers and clients of one test: what was started is stopped when the test ends.

import { ThemisClient } from "../dist/esm/index.js";
import { ScriptedServer } from "./scripted_server.mjs";

/** Waits too short to notice. */
export const QUICK = { backoffBaseMs: 1, backoffMaxMs: 2 };

export async function serve(test, nodes = 1, options = {}) {
  const server = await ScriptedServer.start(nodes, options);
  test.after(() => server.close());
  return server;
}

export function connect(test, endpoints, options = {}) {
  const client = new ThemisClient({ endpoints, ...options });
  test.after(() => client.close());
  return client;
}

export const newUuid = () => crypto.randomUUID();
export const newUuids = (count) => Array.from({ length: count }, newUuid);
