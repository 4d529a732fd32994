// Clusters of many nodes: who leads, who is near, what a session carries, and who is asked after a refusal. No sockets,
// no waiting: a clock and a random source of the test's own.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConfigurationError,
  Endpoint,
  LagExceededError,
  SessionNotReachedError,
  ThemisClient,
  TokenTable,
  TransportFailure,
  UnavailableError,
} from "../dist/esm/index.js";
import { Freshness, STRONG } from "../dist/esm/freshness.js";
import { Leaders } from "../dist/esm/leaders.js";
import { Nearness } from "../dist/esm/nearness.js";
import { Router } from "../dist/esm/router.js";
import { Session } from "../dist/esm/session.js";
import { FakeTransport, jsonResponse, problemResponse } from "../dist/esm/testing.js";
import { TopologyView } from "../dist/esm/topology.js";
import { newUuid, newUuids, QUICK } from "./connect.mjs";

const [A, B, C, D] = ["a", "b", "c", "d"].map((name) => Endpoint.parse(`http://${name}:8080`));
const SEED = Endpoint.parse("http://seed:8080");
const KEY = { high: 0, low: 0 };

// Leaders

const claim = (leader, term, replicas = [A, B, C]) => ({ shardId: "s", leader, term, replicas });

function told(...claims) {
  const leaders = new Leaders();
  for (const one of claims) {
    if (one instanceof Endpoint) {
      leaders.hint("s", one);
    } else {
      leaders.take([one]);
    }
  }
  return leaders.of("s");
}

for (const [what, claims, expected] of [
  ["a topology is believed", [claim(A, 1)], A],
  ["a greater term is the later claim", [claim(A, 1), claim(B, 2)], B],
  ["a smaller one is not, in whatever order they are heard", [claim(B, 2), claim(A, 1)], B],
  ["without terms, the last one is believed", [claim(A, 0), claim(B, 0)], B],
  ["nobody leads where a topology says so", [claim(A, 1), claim(null, 0)], null],
  [
    "the term of who led stays, so that an older claim does not come back",
    [claim(B, 2), claim(null, 0), claim(A, 1)],
    null,
  ],
  ["a hint is newer than the topology", [claim(A, 3), B], B],
  ["a hint outlasts a topology of the same term", [claim(A, 3), B, claim(A, 3)], B],
  ["a hint gives way to a greater term", [claim(A, 3), B, claim(C, 4)], C],
  ["a hint without terms gives way to any topology", [claim(A, 0), B, claim(A, 0)], A],
  ["a hinted node that lost its replica is forgotten", [claim(A, 3), B, claim(A, 3, [A, C])], A],
  ["who led in a later term and lost its replica leads no more", [claim(B, 4), claim(A, 3, [A, C])], null],
  ["a hint of a shard that nobody knows is none", [B], null],
]) {
  test(`leaders: ${what}`, () => assert.equal(told(...claims), expected));
}

test("leaders: shards that a topology does not have are forgotten, and a known hint is no news", () => {
  const leaders = new Leaders();
  leaders.take([claim(A, 1)]);
  assert.deepEqual([leaders.hint("s", A), leaders.hint("s", B), leaders.hint("s", B)], [false, true, false]);
  leaders.take([{ ...claim(A, 1), shardId: "t" }]);
  assert.equal(leaders.of("s"), null);
});

// Who is near

const place = (endpoint, datacenter, rack, more = {}) => ({ endpoint, datacenter, rack, ...more });

test("nearness: one's rack, one's datacenter, the others; of these the healthy first, and the down apart", () => {
  const places = [
    place(A, "east", "r1"),
    place(B, "west", "r2"),
    place(C, "west", "r1", { isDegraded: true }),
    place(D, "west", "r1", { isDown: true }),
  ];
  const tiers = (...where) => new Nearness(...where).tiers(places);
  assert.deepEqual(tiers("west", "r1"), { up: [[C], [B], [A]], down: [[D]] });
  assert.deepEqual(tiers("west"), { up: [[B], [C], [A]], down: [[D]] });
  assert.deepEqual(tiers("north"), { up: [[A, B], [C]], down: [[D]] });
  assert.deepEqual(tiers(), { up: [[A, B], [C]], down: [[D]] });
});

// Choices

function topology({ leader = "a", term = 1, epoch = 1, nodes = {}, learners = [], replicas = ["a", "b", "c"] } = {}) {
  return {
    epoch,
    nodes: ["a", "b", "c", "d"].map((name) => ({
      node_id: name,
      endpoint: `http://${name}:8080`,
      datacenter: name === "a" ? "east" : "west",
      rack: "r",
      state: "up",
      version: "0.1.0",
      ...nodes[name],
    })),
    shards: [
      {
        shard_id: "s",
        leader,
        leader_term: term,
        replicas: replicas.map((name) => ({ node_id: name, role: learners.includes(name) ? "learner" : "voter" })),
      },
    ],
    tokens: [["ffffffffffffffff", "s"]],
  };
}

const DOWN = { health: "down" };

function routing(shape, { uniform = () => 0, where = [] } = {}) {
  const time = { now: 0 };
  const router = new Router([SEED], () => time.now, uniform, new Nearness(...where));
  router.install(new TopologyView(topology(shape)));
  return { router, time };
}

const strong = (router, more) => router.choose({ hash: KEY, ...more });
const lagging = (router, more) => router.choose({ hash: KEY, anyReplica: true, ...more });

test("a lagging read goes to the nearest replica, a learner among them, whoever leads", () => {
  const { router } = routing({ learners: ["c"], nodes: { b: DOWN } }, { where: ["west"] });
  assert.equal(lagging(router), C);
  assert.equal(lagging(router, { avoid: C }), A, "farther, but there");
  router.failed(C);
  assert.equal(lagging(router), A);
  assert.equal(strong(router), A);
});

test("of equally near replicas one is drawn", () => {
  const seen = [0, 0.5, 0.99].map((draw) => lagging(routing({}, { uniform: () => draw }).router));
  assert.deepEqual(seen, [A, B, C]);
});

test("a leader that is down, out or avoided is passed over for a voter, never for a learner", () => {
  const draws = { uniform: () => 0.99 };
  assert.equal(strong(routing({ nodes: { a: DOWN }, learners: ["c"] }, draws).router), B);
  assert.equal(strong(routing({ nodes: { a: { state: "down" } } }, draws).router), C);
  const { router } = routing({ learners: ["c"] }, draws);
  assert.equal(strong(router, { avoid: A }), B);
  router.failed(A);
  assert.equal(strong(router), B);
});

test("being down is advice: where nobody else is there, such a node is asked", () => {
  const all = { a: DOWN, b: DOWN, c: DOWN, d: DOWN };
  const { router } = routing({ nodes: all });
  assert.equal(strong(router), A);
  assert.equal(strong(router, { avoid: A }), B);
  assert.equal(lagging(router), A);
  assert.ok([A, B, C, D].includes(router.choose()));
  const alone = routing({ nodes: { a: DOWN, b: DOWN, c: DOWN } }).router;
  assert.equal(alone.choose(), D);
});

test("a learner that is up comes before replicas that are down, and the leader before both", () => {
  const nodes = { a: DOWN, b: DOWN };
  const { router } = routing({ nodes, learners: ["c"] });
  assert.equal(strong(router), A);
  router.failed(A);
  assert.equal(strong(router), C);
  router.failed(C);
  assert.equal(strong(router), B);
  router.failed(B);
  assert.equal(strong(router), D, "no replica, but it forwards");
  router.failed(D);
  assert.equal(strong(router), SEED);
});

test("a hint moves the leader, of a known node only, and a down one stays down", () => {
  const { router } = routing({ nodes: { d: DOWN } });
  assert.deepEqual([router.hint(KEY, "b"), router.hint(KEY, "b"), router.hint(KEY, "stranger")], [true, false, false]);
  assert.equal(strong(router), B);
  router.hint(KEY, "d");
  assert.notEqual(strong(router), D);
  assert.equal(new Router([SEED], () => 0, () => 0).hint(KEY, "a"), false); // prettier-ignore
});

test("an epoch that others have told of makes the shard of a key doubtful", () => {
  const { router } = routing();
  assert.equal(router.shardOf(KEY), "s");
  router.sawEpoch(2);
  assert.equal(router.shardOf(KEY), null);
});

// How fresh

test("a call says how fresh over what its client says", () => {
  const client = new Freshness({ consistency: "bounded", maxLagMs: 500 });
  assert.deepEqual(client.under({}).parameters, ["consistency=bounded", "max_lag_ms=500"]);
  assert.deepEqual(client.under({ maxLagMs: 7 }).parameters, ["consistency=bounded", "max_lag_ms=7"]);
  assert.deepEqual(client.under({ consistency: "bounded" }).parameters, ["consistency=bounded", "max_lag_ms=500"]);
  assert.deepEqual(client.under({ consistency: "strong" }).parameters, ["consistency=strong"]);
  assert.deepEqual(STRONG.under({}).parameters, []);
  assert.throws(() => client.under({ consistency: "eventual", maxLagMs: 5 }), ConfigurationError);
  assert.throws(() => STRONG.under({ maxLagMs: 5 }), ConfigurationError);
  for (const maxLagMs of [-1, 3_600_001, 1.5, "5"]) {
    assert.throws(() => client.under({ maxLagMs }), ConfigurationError, String(maxLagMs));
  }
});

test("bounded by nothing is the leader's", () => {
  const lags = (options) => new Freshness(options).anyReplica;
  assert.deepEqual(
    [lags({ consistency: "eventual" }), lags({ consistency: "bounded" }), lags({ consistency: "strong" }), lags({})],
    [true, true, false, false],
  );
  assert.equal(lags({ consistency: "bounded", maxLagMs: 0 }), false);
  const read = new Freshness({ consistency: "bounded", maxLagMs: 5 });
  assert.equal(read.strengthened(`/x?limit=1&${read.parameters.join("&")}`), "/x?limit=1&consistency=strong");
});

// Sessions

test("a session keeps the greatest version of each shard, and passes over what is no entry", () => {
  const session = new Session();
  session.note("s2:5, s1:7\t,s2:4,nothing,:3,s3:0,s4:9007199254740992,s5:01,-s:1,s6:1:2,");
  assert.equal(session.token(), "s1:7,s2:5");
  session.note("s2:6");
  assert.deepEqual([session.entry("s2"), session.entry("s9")], ["s2:6", ""]);
  session.forget();
  assert.equal(session.token(), "");
});

test("a token is merged as a whole, or not at all", () => {
  const session = new Session();
  session.merge("");
  session.merge("s2:9007199254740991, s1:1");
  assert.equal(session.token(), "s1:1,s2:9007199254740991");
  for (const token of ["s1:2,", ",", " ", "s1:2,x", "s1:2;s2:3", "s1:9007199254740992", null, undefined, 7]) {
    assert.throws(() => session.merge(token), ConfigurationError, String(token));
  }
  assert.equal(session.token(), "s1:1,s2:9007199254740991");
});

test("a session of absurdly many shards stops growing, but not learning", () => {
  const session = new Session();
  session.note(Array.from({ length: 5000 }, (_, index) => `s${index}:1`).join());
  session.note("s7:2,new:1");
  assert.equal(session.token().split(",").length, 4096);
  assert.deepEqual([session.entry("s7"), session.entry("new")], ["s7:2", ""]);
});

// Clients

/** A cluster that answers from a function, after its topology; its nodes are a, b, c and d. */
function cluster(t, answer, options = {}, shape = () => topology()) {
  const sent = [];
  let fetches = 0;
  const transport = new FakeTransport(
    (request) => {
      if (request.target === "/topology") {
        fetches++;
        return jsonResponse(200, shape(fetches));
      }
      const seen = { node: request.endpoint.url.charAt(7), ...request, at: performance.now() };
      sent.push(seen);
      return answer(seen, sent.length);
    },
    { topology: true },
  );
  const client = new ThemisClient({ endpoints: ["http://seed:8080"], transport, retry: QUICK, ...options });
  t.after(() => client.close());
  return { client, sent, fetches: () => fetches, nodes: () => sent.map(({ node }) => node).join("") };
}

const found = (headers = {}) => jsonResponse(200, {}, { etag: '"1"', ...headers });
const WRITTEN = jsonResponse(200, { version: 5 }, { "Themis-Session": "s:5" });
const session = ({ headers }) => headers["Themis-Session"];

test("a lagging read says what its client has seen of the shard; strong reads and writes say nothing", async (t) => {
  const { client, sent } = cluster(t, ({ method }) =>
    method === "GET" ? found({ "themis-session": "s:9" }) : WRITTEN,
  );
  client.mergeSession("elsewhere:3");
  await client.put("document", "users", newUuid(), {});
  await client.get("document", "users", newUuid(), { consistency: "eventual" });
  await client.get("document", "users", newUuid(), { consistency: "bounded", maxLagMs: 0 });
  await client.get("document", "users", newUuid());
  assert.deepEqual(sent.map(session), [undefined, "s:5", undefined, undefined]);
  assert.equal(client.sessionToken, "elsewhere:3,s:9");
  client.forgetSession();
  await client.get("document", "users", newUuid(), { consistency: "eventual" });
  assert.equal(session(sent.at(-1)), undefined);
});

test("batches, listings and counts say all of it, and learn too", async (t) => {
  const answers = (request) => {
    const body = request.target.includes("/count") ? { count: 0, shards: [] } : { items: [] };
    return jsonResponse(200, request.method === "POST" ? items(request) : body, { "themis-session": "s:6" });
  };
  const items = ({ body }) => ({ items: JSON.parse(body).urns.map((urn) => ({ urn, version: 1, doc: {} })) });
  const { client, sent } = cluster(t, answers, { consistency: "eventual" });
  client.mergeSession("s:5,b:1");
  await client.batchGet("document", "users", newUuids(2));
  await client.iterate("users").next();
  await client.countCollection("users");
  assert.deepEqual(sent.map(session), ["b:1,s:5", "b:1,s:6", "b:1,s:6"]);
  assert.ok(sent.every(({ target }) => target.endsWith("consistency=eventual")));
});

test("a session that is too long for a header makes the read a strong one, at the leader", async (t) => {
  const { client, sent, nodes } = cluster(t, () => found(), {
    consistency: "bounded",
    maxLagMs: 500,
    datacenter: "west",
  });
  client.mergeSession(Array.from({ length: 400 }, (_, index) => `shard_with_a_long_name_${index}:1`).join());
  await client.countCollection("users").catch(() => undefined);
  assert.deepEqual([session(sent[0]), sent[0].target.split("?")[1]], [undefined, "consistency=strong"]);
  await client.get("document", "users", newUuid());
  assert.equal(sent[1].target.split("?")[1], "consistency=bounded&max_lag_ms=500", "one entry is short");
  await client.batchGet("document", "users", [newUuid()]).catch(() => undefined);
  assert.equal(sent[2].target, "/batch/get?consistency=strong");
  assert.equal(nodes().at(-1), "a");
});

test("a client without sessions keeps none", async (t) => {
  const { client, sent } = cluster(t, () => found({ "themis-session": "s:9" }), {
    sessions: false,
    consistency: "eventual",
  });
  await client.get("document", "users", newUuid());
  await client.get("document", "users", newUuid());
  assert.deepEqual([client.sessionToken, ...sent.map(session)], ["", undefined, undefined]);
  assert.throws(() => client.mergeSession("s:1"), ConfigurationError);
  client.forgetSession();
});

test("no hook writes a session", async (t) => {
  const hook = { onRequestStart: ({ headers }) => (headers["themis-session"] = "s:1") };
  const { client, sent } = cluster(t, () => found(), { hooks: [hook] });
  await client.get("document", "users", newUuid());
  assert.ok(!Object.keys(sent[0].headers).some((name) => name.toLowerCase() === "themis-session"));
});

for (const code of ["lag_exceeded", "session_not_reached"]) {
  test(`after ${code} the leader is asked, at once and the same`, async (t) => {
    const refusal = problemResponse(503, code, { retryable: true, retryAfterS: 9 });
    const options = { consistency: "bounded", maxLagMs: 50, datacenter: "west", timeout: 5000 };
    const { client, sent, nodes } = cluster(t, (_, count) => (count === 1 ? refusal : found()), options);
    client.mergeSession("s:5");
    await client.get("document", "users", newUuid());
    assert.match(nodes(), /^[bc]a$/);
    assert.equal(sent[0].target, sent[1].target);
    assert.deepEqual(sent.map(session), ["s:5", "s:5"]);
    await client.exists("document", "users", newUuid());
  });
}

test("a HEAD that is refused has no code, and goes to the leader all the same", async (t) => {
  const refusal = { status: 503, headers: { "retry-after": "9" }, body: new Uint8Array() };
  const options = { consistency: "eventual", datacenter: "west", timeout: 5000 };
  const { client, nodes } = cluster(t, (_, count) => (count === 1 ? refusal : found()), options);
  assert.equal(await client.exists("document", "users", newUuid()), true);
  assert.match(nodes(), /^[bc]a$/);
});

test("refusals about freshness have classes and figures of their own", async (t) => {
  const members = { limit: 50, lag_ms: 300 };
  const { client } = cluster(t, () => problemResponse(503, "lag_exceeded", { members }));
  const read = client.get("document", "users", newUuid(), { consistency: "eventual" });
  await assert.rejects(read, (error) => {
    assert.ok(error instanceof LagExceededError && error instanceof UnavailableError);
    return error.limit === 50 && error.lagMs === 300 && error.name === "LagExceededError";
  });
  const lost = cluster(t, () => problemResponse(503, "session_not_reached")).client;
  await assert.rejects(lost.get("document", "users", newUuid()), SessionNotReachedError);
});

test("an entity says which node it is from", async (t) => {
  const { client } = cluster(t, () => found({ "themis-node": "c", "themis-role": "learner", "themis-lag-ms": "7" }));
  const entity = await client.getEntity("document", "users", newUuid());
  assert.deepEqual([entity.node, entity.role, entity.lagMs], ["c", "learner", 7]);
  const silent = await cluster(t, () => found()).client.getEntity("document", "users", newUuid());
  assert.equal(silent.node, null);
});

test("who answers as a leader is asked from then on; whoever follows, or is a stranger, is not", async (t) => {
  const heads = [
    { "themis-node": "b", "themis-role": "follower" },
    { "themis-node": "stranger", "themis-role": "leader" },
    { "themis-node": "b", "themis-role": "leader" },
    {},
  ];
  const { client, nodes } = cluster(t, (_, count) => found(heads[count - 1]));
  for (let call = 0; call < 4; call++) {
    await client.get("document", "users", newUuid());
  }
  assert.equal(nodes(), "aaab");
});

test("a node that shuts down is left alone for longer and longer", () => {
  const time = { now: 0 };
  const router = new Router([A, B], () => time.now, () => 0.5); // prettier-ignore
  router.failed(A);
  router.failed(A);
  time.now = 700;
  assert.ok(router.isOut(A));
});

test("a refusal to serve, while going away, puts the node out although it answered", async (t) => {
  const leaving = problemResponse(503, "shutting_down", { retryable: true, retryAfterS: 9 });
  const { client, nodes } = cluster(t, ({ node }) => (node === "a" ? leaving : found()), { timeout: 5000 });
  await client.get("document", "users", newUuid());
  await client.get("document", "users", newUuid());
  assert.match(nodes(), /^a[bc][bc]$/);
});

test("who has nobody else to ask waits as long as told", async (t) => {
  const busy = problemResponse(503, "shutting_down", { retryable: true, retryAfterS: 9 });
  const transport = new FakeTransport(() => busy);
  const client = new ThemisClient({ endpoints: ["http://a:8080"], transport, timeout: 5000 });
  t.after(() => client.close());
  await assert.rejects(client.get("document", "users", newUuid()), { attempts: 1, code: "shutting_down" });
});

test("whoever hangs leaves time to ask the others for the topology", async (t) => {
  const asked = [];
  const hanging = {
    send: async ({ target }, { timeoutMs }) => {
      if (target === "/topology") {
        asked.push(Math.ceil(timeoutMs / 100) * 100);
      }
      throw new TransportFailure("timeout", "scripted", { sent: true });
    },
    close: () => undefined,
  };
  const endpoints = ["a", "b", "c", "d", "e"].map((name) => `http://${name}:8080`);
  for (const [timeout, expected] of [
    [60_000, [1000, 1300, 1700, 2500, 2500]],
    [1500, [500, 500, 500, 800, 800]],
    [400, [400, 400, 400, 400, 400]],
  ]) {
    asked.length = 0;
    const client = new ThemisClient({ endpoints, transport: hanging, timeout, maxRetries: 0 });
    t.after(() => client.close());
    await assert.rejects(client.get("document", "users", newUuid()));
    assert.deepEqual(asked, expected);
  }
});

// Batches

/** Two shards, on nodes a and b, b and c; led by a and c. */
function twoShards() {
  const replicas = (names) => [...names].map((name) => ({ node_id: name, role: "voter" }));
  const shards = [
    { shard_id: "s1", leader: "a", leader_term: 1, replicas: replicas("ab") },
    { shard_id: "s2", leader: "c", leader_term: 1, replicas: replicas("bc") },
  ];
  return { ...topology(), shards, tokens: TokenTable.build(["s1", "s2"], 16).toWire() };
}

const answered = ({ body }) => {
  const { urns, items } = JSON.parse(body);
  return jsonResponse(200, { items: (urns ?? items).map((one) => ({ urn: one.urn ?? one, version: 1, doc: {} })) });
};

test("a lagging batch goes to as few near nodes as have it; a strong one, and writes, to the leaders", async (t) => {
  const shape = () => ({
    ...twoShards(),
    nodes: twoShards().nodes.map((node) => ({ ...node, datacenter: node.node_id === "b" ? "here" : "there" })),
  });
  const { client, nodes } = cluster(t, answered, { datacenter: "here" }, shape);
  const uuids = newUuids(40);
  (await client.batchGet("document", "users", uuids, { consistency: "eventual" })).raiseForErrors();
  assert.equal(nodes(), "b");
  (await client.batchGet("document", "users", uuids)).raiseForErrors();
  assert.equal([...nodes()].sort().join(""), "abc");
  (await client.batchPut("document", "users", Object.fromEntries(uuids.map((uuid) => [uuid, {}])))).raiseForErrors();
  assert.equal([...nodes()].sort().join(""), "aabcc");
});

test("equally near nodes: one that is asked already is asked again", async (t) => {
  for (let time = 0; time < 20; time++) {
    const { client, nodes } = cluster(t, answered, {}, () => {
      const shape = twoShards();
      const everywhere = ["a", "b", "c"].map((name) => ({ node_id: name, role: "voter" }));
      return { ...shape, shards: shape.shards.map((shard) => ({ ...shard, replicas: everywhere })) };
    });
    await client.batchGet("document", "users", newUuids(40), { consistency: "eventual" });
    assert.equal(nodes().length, 1);
  }
});

test("an item that a replica could not answer is asked of its leader", async (t) => {
  const error = { code: "lag_exceeded", status: 503, title: "", detail: "", retryable: true, lag_ms: 900, limit: 5 };
  const { client, nodes, sent } = cluster(
    t,
    (request, count) => {
      const { urns } = JSON.parse(request.body);
      const answer = (urn) => (count === 1 ? { urn, error } : { urn, version: 1, doc: {} });
      return jsonResponse(200, { items: urns.map(answer) });
    },
    { consistency: "bounded", maxLagMs: 5, datacenter: "west" },
  );
  (await client.batchGet("document", "users", newUuids(3))).raiseForErrors();
  assert.match(nodes(), /^[bc]a$/);
  assert.equal(sent[0].target, sent[1].target);
});

test("options of many nodes that cannot work are refused", () => {
  const endpoints = ["http://h"];
  const bad = [
    { consistency: "weak" },
    { maxLagMs: 5 },
    { consistency: "eventual", maxLagMs: 5 },
    { consistency: "bounded", maxLagMs: -1 },
    { consistency: "bounded", maxLagMs: 3_600_001 },
    { rack: "r" },
    { datacenter: "a b" },
    { datacenter: "dc", rack: "" },
    { sessions: "yes" },
  ];
  for (const options of bad) {
    assert.throws(() => new ThemisClient({ endpoints, ...options }), ConfigurationError, JSON.stringify(options));
  }
});
