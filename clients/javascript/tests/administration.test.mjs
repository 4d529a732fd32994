// What operators ask and change: the requests, and what is made of the answers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { ConfigurationError, ConflictError, NotFoundError, ThemisClient, TransportError } from "../dist/esm/index.js";
import { FakeTransport, jsonResponse, problemResponse, TransportFailure } from "../dist/esm/testing.js";
import { QUICK } from "./connect.mjs";

const SECRET = "themis-join-s3cret";
const COUNTS = { total: 1, healthy: 1, degraded: 0, down: 0 };
const NODE = {
  node_id: "node-1",
  endpoint: "http://a:8080",
  peer: "a:9090",
  datacenter: "dc",
  rack: "r",
  kind: "data",
  state: "up",
  health: "healthy",
  reasons: [],
  version: "0.1.0",
  reachable: true,
  replicas: { voters: 1, learners: 0, leaders: 1, lagging: 0 },
  disk: { free_bytes: 5 },
};
const REPLICAS = [{ node_id: "node-1", role: "voter" }];
const SHARD = {
  shard_id: "s1",
  health: "healthy",
  leader: null,
  replicas: [{ node_id: "node-1", role: "voter", wanted: "voter", state: "follower", match: 1 }],
};
const STATUS = {
  cluster: "c",
  node_id: "node-1",
  epoch: 5,
  replicas: 3,
  coordinator: null,
  nodes: COUNTS,
  shards: COUNTS,
  metadata: { store: "embedded", available: true, leader: null, members: REPLICAS },
  unsettled: [],
  findings: [],
};
const TOKEN = { token_id: "t1", description: "", created_at: "now", expires_at: "then" };
const CHANGED = { node_id: "node-1", state: "leaving", epoch: 6 };

// What is called, what is sent for it, and what is answered.
const CALLS = [
  [(client) => client.adminStatus(), "GET /api/admin/status", "", STATUS],
  [(client) => client.adminNodes(), "GET /api/admin/nodes", "", { epoch: 5, items: [NODE] }],
  [(client) => client.adminNode("node-1"), "GET /api/admin/nodes/node-1", "", { epoch: 5, node: NODE }],
  [(client) => client.adminRemoveNode("node-1"), "DELETE /api/admin/nodes/node-1", "", { removed: "node-1", epoch: 6 }],
  [
    (client) => client.adminRemoveNode("node-1", { force: true }),
    "DELETE /api/admin/nodes/node-1?force=true",
    "",
    { removed: "node-1", epoch: 6 },
  ],
  [(client) => client.adminDrainNode("node-1"), "POST /api/admin/nodes/node-1/drain", "", CHANGED],
  [(client) => client.adminUndrainNode("node-1"), "POST /api/admin/nodes/node-1/undrain", "", CHANGED],
  [(client) => client.adminShards(), "GET /api/admin/shards", "", { epoch: 5, items: [SHARD] }],
  [(client) => client.adminShard("s1"), "GET /api/admin/shards/s1", "", SHARD],
  [
    (client) => client.adminTransferLeader("s1"),
    "POST /api/admin/shards/s1/transfer-leader",
    "{}",
    { shard_id: "s1", leader: "node-1", leader_term: 7 },
  ],
  [
    (client) => client.adminTransferLeader("s1", { target: "node-2" }),
    "POST /api/admin/shards/s1/transfer-leader",
    '{"target":"node-2"}',
    { shard_id: "s1", leader: "node-2", leader_term: 7 },
  ],
  [
    (client) => client.adminReplaceReplica("s1", "node-1", { target: "node-2" }),
    "POST /api/admin/shards/s1/replace-replica",
    '{"source":"node-1","target":"node-2"}',
    { shard_id: "s1", epoch: 6, replicas: REPLICAS },
  ],
  [(client) => client.adminSetReplicas(3), "PUT /api/admin/replicas", '{"replicas":3}', { replicas: 3, epoch: 6 }],
  [(client) => client.adminCreateJoinToken(), "POST /api/admin/join-tokens", "{}", { ...TOKEN, token: SECRET }],
  [
    (client) => client.adminCreateJoinToken({ ttlS: 60, description: "rack 7" }),
    "POST /api/admin/join-tokens",
    '{"ttl_s":60,"description":"rack 7"}',
    { ...TOKEN, token: SECRET },
  ],
];

function serving(t, answer, options = {}) {
  const transport = new FakeTransport(answer);
  const client = new ThemisClient({ endpoints: ["http://a:8080"], transport, retry: QUICK, ...options });
  t.after(() => client.close());
  return { client, transport };
}

for (const [call, line, body, answer] of CALLS) {
  const title = `${line} ${body}`.trim();

  test(title, async (t) => {
    const { client, transport } = serving(t, () => jsonResponse(200, answer));
    assert.deepEqual(await call(client), answer);
    const [request] = transport.requests;
    assert.deepEqual([`${request.method} ${request.target}`, request.body], [line, body]);
    const { "Content-Type": type, "Idempotency-Key": key } = request.headers;
    assert.deepEqual([type, key], [body === "" ? undefined : "application/json", undefined]);
  });

  test(`${title}: repeated when lost, and an answer that makes no sense is an error`, async (t) => {
    let count = 0;
    const lost = new TransportFailure("lost", "scripted", { sent: true });
    const answers = () => {
      if (++count === 1) {
        throw lost;
      }
      return jsonResponse(200, count === 2 ? answer : {});
    };
    const { client } = serving(t, answers);
    assert.deepEqual(await call(client), answer);
    await assert.rejects(call(client), (error) => error instanceof TransportError && error.kind === "protocol");
  });
}

test("join tokens are listed and revoked", async (t) => {
  const { client, transport } = serving(t, ({ method }) =>
    jsonResponse(200, method === "GET" ? { items: [TOKEN] } : { revoked: "t1" }),
  );
  assert.deepEqual(await client.adminJoinTokens(), [TOKEN]);
  assert.equal(await client.adminRevokeJoinToken("t1"), "t1");
  assert.deepEqual(
    transport.requests.map(({ method, target }) => `${method} ${target}`),
    ["GET /api/admin/join-tokens", "DELETE /api/admin/join-tokens/t1"],
  );
});

test("figures of a node that is named", async (t) => {
  const { client, transport } = serving(t, () => jsonResponse(200, {}));
  await assert.rejects(client.adminMetrics({ nodeId: "node-2" }), TransportError);
  assert.equal(transport.requests[0].target, "/api/admin/metrics?node_id=node-2");
});

test("names that are none are refused before anything is sent", async (t) => {
  const { client, transport } = serving(t, () => jsonResponse(200, {}));
  for (const name of ["", ".", "..", "-a", "a/b", "a b", "ä", "a".repeat(64), undefined, null, 7]) {
    for (const call of [
      client.adminNode(name),
      client.adminRemoveNode(name),
      client.adminDrainNode(name),
      client.adminShard(name),
      client.adminTransferLeader("s1", { target: name ?? "" }),
      client.adminReplaceReplica("s1", name),
      client.adminRevokeJoinToken(name),
      client.adminMetrics({ nodeId: name ?? "" }),
    ]) {
      await assert.rejects(call, ConfigurationError, String(name));
    }
  }
  assert.deepEqual(transport.requests, []);
});

test("refusals have the class of their status", async (t) => {
  const refusing = (status, code) => serving(t, () => problemResponse(status, code)).client;
  await assert.rejects(refusing(404, "node_not_found").adminNode("n"), NotFoundError);
  await assert.rejects(refusing(409, "placement_refused").adminReplaceReplica("s", "n"), ConflictError);
});

test("a join token's secret is in its answer and nowhere else", async (t) => {
  const told = [];
  const hook = { onRequestStart: (fact) => told.push(fact), onRequestEnd: (fact) => told.push(fact) };
  const broken = { ...TOKEN, token: SECRET, expires_at: 7 };
  const { client } = serving(t, () => jsonResponse(200, broken), { hooks: [hook] });
  const error = await client.adminCreateJoinToken().catch((caught) => caught);
  assert.ok(!JSON.stringify([told, error, String(error), error.stack]).includes(SECRET));

  const good = serving(t, () => jsonResponse(200, { ...TOKEN, token: SECRET })).client;
  const made = await good.adminCreateJoinToken();
  assert.equal(made.token, SECRET);
  assert.ok(inspect(made).includes("token: '...'"), inspect(made));
  assert.ok(!inspect({ made }).includes(SECRET));
});
