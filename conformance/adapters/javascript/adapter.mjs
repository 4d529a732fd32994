// The adapter of themis-js for `themis-conformance`: conformance/PROTOCOL.md over stdin and stdout.
//
// It takes the package from the environment variable THEMIS_JS (a module's path or name), else from the build of this
// repository: `npm run build` in clients/javascript.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import * as wire from "./wire.mjs";
import { applyVector } from "./vectors.mjs";

const given = process.env.THEMIS_JS;
const built = new URL("../../../clients/javascript/dist/esm/index.js", import.meta.url).href;
const themis = await import(given === undefined ? built : given.startsWith("/") ? pathToFileURL(given).href : given);

const FEATURES = [
  "vectors",
  "entities",
  "batches",
  "iterate",
  "catalogue",
  "cluster",
  "cancel",
  "hooks",
  "tokens",
  "tls",
  "administration",
  "replicas",
  "sessions",
];

/** The adapter does not understand a command or one of its members. */
class Unsupported extends Error {}

const clients = new Map(); // name -> {client, events}
const iterators = new Map();
const running = new Map(); // command id -> AbortController

const READ = ["namespace", "consistency", "max_lag_ms", "timeout_ms"];
const WRITE = ["namespace", "idempotency_key", "timeout_ms"];
const ASK = ["namespace", "timeout_ms"];
const CHANGE = ["options", "idempotency_key", "timeout_ms"];

// For each op: the arguments that go before the options, and what the options may have.
const OPS = {
  get: { by: "entity", options: READ },
  get_entity: { by: "entity", options: [...READ, "if_none_match"] },
  exists: { by: "entity", options: READ },
  put: {
    by: "entity",
    first: ["data"],
    options: [...WRITE, "if_match", "if_none_match"],
  },
  patch: { by: "entity", first: ["changes"], options: [...WRITE, "if_match"] },
  delete: { by: "entity", options: [...WRITE, "if_match"] },
  batch_get: { by: "batch", options: READ },
  batch_put: { by: "batch", options: WRITE },
  batch_delete: { by: "batch", options: WRITE },
  create_namespace: { first: ["name"], options: CHANGE },
  alter_namespace: { first: ["name"], options: CHANGE },
  get_namespace: { first: ["name"], options: ["timeout_ms"] },
  list_namespaces: { options: ["timeout_ms"] },
  drop_namespace: {
    first: ["name"],
    options: ["force", "idempotency_key", "timeout_ms"],
  },
  create_collection: {
    first: ["name", "model"],
    options: [...CHANGE, "namespace"],
  },
  alter_collection: { first: ["name"], options: [...CHANGE, "namespace"] },
  get_collection: { first: ["name"], options: ASK },
  list_collections: { options: ASK },
  drop_collection: { first: ["name"], options: WRITE },
  count_collection: { first: ["name"], options: READ },
  topology: { options: ["timeout_ms"] },
  health: { options: ["endpoint", "timeout_ms"] },
  version: { options: ["timeout_ms"] },
  metrics: { options: ["timeout_ms"] },
  admin_topology: { options: ["timeout_ms"] },
  admin_metrics: { options: ["node_id", "timeout_ms"] },
  admin_status: { options: ["timeout_ms"] },
  admin_nodes: { options: ["timeout_ms"] },
  admin_node: { first: ["node_id"], options: ["timeout_ms"] },
  admin_remove_node: { first: ["node_id"], options: ["force", "timeout_ms"] },
  admin_drain_node: { first: ["node_id"], options: ["timeout_ms"] },
  admin_undrain_node: { first: ["node_id"], options: ["timeout_ms"] },
  admin_shards: { options: ["timeout_ms"] },
  admin_shard: { first: ["shard_id"], options: ["timeout_ms"] },
  admin_transfer_leader: {
    first: ["shard_id"],
    options: ["target", "timeout_ms"],
  },
  admin_replace_replica: {
    first: ["shard_id", "source"],
    options: ["target", "timeout_ms"],
  },
  admin_set_replicas: { first: ["replicas"], options: ["timeout_ms"] },
  admin_join_tokens: { options: ["timeout_ms"] },
  admin_create_join_token: { options: ["ttl_s", "description", "timeout_ms"] },
  admin_revoke_join_token: { first: ["token_id"], options: ["timeout_ms"] },
};

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** Members of a command as members of the SDK's options: times are in milliseconds in both. */
function optionsOf(members, allowed, what) {
  const options = {};
  for (const [name, value] of Object.entries(members)) {
    if (!allowed.includes(name)) {
      throw new Unsupported(`${what} with ${name}`);
    }
    if (name === "options") {
      Object.assign(options, optionsOf(value ?? {}, Object.keys(value ?? {}), what));
    } else if (value !== null) {
      options[name === "timeout_ms" ? "timeout" : camel(name)] = value;
    }
  }
  return options;
}

/** The method that an op is, and its arguments. */
function bind(op, args = {}) {
  const rule = OPS[op];
  if (rule === undefined) {
    throw new Unsupported(`the op ${op}`);
  }
  let method = camel(op);
  let first = rule.first ?? [];
  const rest = { ...args };
  if (rule.by === "entity") {
    method += "urn" in args ? "ByUrn" : "";
    first = [...("urn" in args ? ["urn"] : ["model", "collection", "uuid"]), ...first];
  } else if (rule.by === "batch") {
    method += "model" in args ? "" : "ByUrn";
    const items = op === "batch_get" ? ("model" in args ? "uuids" : "urns") : "items";
    first = [...("model" in args ? ["model", "collection"] : []), items];
    if (op === "batch_put") {
      rest.items = args.items.map(([name, data, ifMatch]) => [name, data, ifMatch ?? undefined]);
    } else if (op === "batch_delete") {
      rest.items = args.items.map(([name, ifMatch]) => [name, ifMatch ?? undefined]);
    }
  }
  const positional = first.map((name) => {
    if (!(name in rest)) {
      throw new Unsupported(`${op} without ${name}`);
    }
    const value = rest[name];
    delete rest[name];
    return value;
  });
  return { method, positional, options: optionsOf(rest, rule.options, op) };
}

function createClient({ client: name, mode, options: asked }) {
  if (mode !== undefined && mode !== "async") {
    throw new Unsupported(`the mode ${mode}`);
  }
  const events = [];
  const options = { hooks: [] };
  for (const [member, value] of Object.entries(asked)) {
    switch (member) {
      case "endpoints":
      case "namespace":
      case "user_agent":
      case "max_retries":
      case "retry_budget":
      case "idempotency_keys":
      case "parallel":
      case "pool_size":
      case "consistency":
      case "max_lag_ms":
      case "datacenter":
      case "rack":
      case "sessions":
      case "token":
        options[camel(member)] = value;
        break;
      case "timeout_ms":
      case "connect_timeout_ms":
      case "refresh_interval_ms":
        options[camel(member.replace(/_ms$/, ""))] = value;
        break;
      case "token_sequence": {
        const left = [...value];
        options.token = () => Promise.resolve(left.length > 1 ? left.shift() : left[0]);
        break;
      }
      case "retry":
      case "tls":
        options[member] = Object.fromEntries(Object.entries(value).map(([key, part]) => [camel(key), part]));
        break;
      case "exact_integers":
        options.integers = value ? "bigint" : "number";
        break;
      case "record_hooks":
        if (value) options.hooks.push(wire.recorder(events));
        break;
      case "failing_hooks":
        if (value) options.hooks.push(wire.failingHooks);
        break;
      default:
        throw new Unsupported(`the option ${member}`);
    }
  }
  clients.set(name, { client: new themis.ThemisClient(options), events });
}

function iterate({ client, iterator: name, args }) {
  const { collection, include_docs: includeDocs, ...rest } = args;
  const options = optionsOf(rest, [...READ, "page_size", "cursor"], "iterate");
  if (includeDocs !== undefined) {
    options.include = includeDocs ? "doc" : "version";
  }
  const iterator = clients.get(client).client.iterate(collection, options);
  iterators.set(name, iterator);
  return { cursor: iterator.cursor };
}

async function call(id, { client: name, op, args }) {
  const { client } = clients.get(name);
  switch (op) {
    // No calls: these ask nobody.
    case "session_token":
      return { token: client.sessionToken };
    case "merge_session":
      client.mergeSession(args.token);
      return null;
    case "forget_session":
      client.forgetSession();
      return null;
  }
  const { method, positional, options } = bind(op, args);
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const value = await client[method](...positional, {
      ...options,
      signal: controller.signal,
    });
    return wire.shape(themis, op, value);
  } finally {
    running.delete(id);
  }
}

async function obey(id, command) {
  switch (command.do) {
    case "hello":
      return {
        protocol: 1,
        sdk: "themis-js",
        version: themis.VERSION,
        language: `Node ${process.versions.node}`,
        modes: ["async"],
        features: FEATURES,
      };
    case "vector":
      return applyVector(themis, command);
    case "createClient":
      createClient(command);
      return {};
    case "call":
      return call(id, command);
    case "iterate":
      return iterate(command);
    case "next": {
      const { done, value } = await iterators.get(command.iterator).next();
      return done ? { end: true } : { item: wire.entity(value) };
    }
    case "closeIterator": {
      const iterator = iterators.get(command.iterator);
      await iterator.return();
      return { cursor: iterator.cursor };
    }
    case "cancel":
      running.get(command.call)?.abort();
      return {};
    case "events":
      return { events: clients.get(command.client).events.splice(0) };
    case "closeClient":
      // The name stays: a call on a closed client is a case of its own.
      await clients.get(command.client).client.close();
      return {};
    default:
      throw new Unsupported(`the command ${command.do}`);
  }
}

function reply(id, answer) {
  process.stdout.write(`${JSON.stringify({ id, ...wire.encode(answer) })}\n`);
}

for await (const line of createInterface({
  input: process.stdin,
  crlfDelay: Infinity,
})) {
  const command = JSON.parse(line);
  obey(command.id, wire.decode(command)).then(
    (value) => reply(command.id, { value }),
    (error) => {
      if (error instanceof Unsupported) {
        reply(command.id, { unsupported: error.message });
      } else {
        reply(command.id, { error: wire.describe(themis, error) });
      }
    },
  );
}
await Promise.allSettled([...clients.values()].map(({ client }) => client.close()));
// Calls that still run must not keep the process: the runner has hung up.
process.exit(0);
