// spec/vectors, as far as they concern a client: every vector of every operation listed here passes.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  formatEtags,
  InvalidUrnError,
  keyHash,
  parseEtag,
  ringTokens,
  TokenTable,
  Urn,
  xxh64,
} from "../dist/esm/index.js";

const folder = new URL("../../../spec/vectors/", import.meta.url);
// The vectors are in the repository, not in the package.
const skip = existsSync(folder) ? false : "no vectors here";

function vectors(rule, operations = null) {
  if (skip !== false) {
    return [];
  }
  const found = JSON.parse(readFileSync(new URL(`${rule}.json`, folder), "utf8")).vectors;
  return operations === null ? found : found.filter(({ op }) => operations.includes(op));
}

const hex = (hash) => hash.toString(16).padStart(16, "0");
const parts = (tokens) => tokens.map(([token, shardId]) => [BigInt(`0x${token}`), shardId]);

test("urn", { skip }, () => {
  for (const { name, op, input, expect, refused } of vectors("urn")) {
    assert.equal(op, "parse");
    if (refused !== undefined) {
      assert.throws(
        () => Urn.parse(input.text),
        (error) => {
          assert.ok(error instanceof InvalidUrnError, name);
          assert.deepEqual({ reason: error.reason, position: error.position }, refused, name);
          return true;
        },
      );
      continue;
    }
    const urn = Urn.parse(input.text);
    const { model, namespace, collection, uuid } = urn;
    const found = { model, namespace, collection, uuid, text: String(urn), quoted: urn.quoted() };
    assert.deepEqual(found, expect, name);
    assert.ok(new Urn(model, namespace, collection, uuid.toUpperCase()).equals(urn), name);
  }
});

test("hash", { skip }, () => {
  const functions = {
    xxh64: (given) => xxh64(Buffer.from(given.hex, "hex")),
    xxh64_text: (given) => xxh64(given.text),
    key_hash: (given) => keyHash(given.uuid),
  };
  for (const { name, op, input, expect } of vectors("hash")) {
    assert.equal(hex(functions[op](input)), expect.hash, name);
  }
});

function ring(op, given) {
  switch (op) {
    case "ring_tokens":
      return { tokens: ringTokens(given.shard_id, given.virtual_nodes).map(hex) };
    case "token_table": {
      const tokens = TokenTable.build(given.shard_ids, given.virtual_nodes).toWire();
      const digest = hex(xxh64(tokens.map(([token, shardId]) => `${token} ${shardId}\n`).join("")));
      return { count: tokens.length, first: tokens[0], last: tokens.at(-1), digest, tokens };
    }
    case "resolve":
      return { tokens: new TokenTable(parts(given.tokens)).toWire() };
    case "locate":
      return { shard_id: new TokenTable(parts(given.tokens)).shardForHash(BigInt(`0x${given.hash}`)) };
    case "locate_built":
      return {
        hash: hex(keyHash(given.uuid)),
        shard_id: TokenTable.build(given.shard_ids, given.virtual_nodes).shardForUuid(given.uuid),
      };
    case "ranges":
      return { ranges: new TokenTable(parts(given.tokens)).ranges(given.shard_id).map((range) => range.map(hex)) };
    case "from_wire":
      return { count: TokenTable.fromWire(given.tokens).size };
    default:
      return assert.fail(`no such operation: ${op}`);
  }
}

test("ring", { skip }, () => {
  for (const { name, op, input, expect, refused } of vectors("ring")) {
    if (refused !== undefined) {
      assert.throws(() => ring(op, input), RangeError, name);
      continue;
    }
    const found = ring(op, input);
    assert.deepEqual(Object.fromEntries(Object.keys(expect).map((key) => [key, found[key]])), expect, name);
  }
});

test("etag", { skip }, () => {
  for (const { name, op, input, expect } of vectors("etag", ["format", "parse"])) {
    if (op === "format") {
      assert.equal(formatEtags(Number(input.version), "version"), expect.etag, name);
    } else {
      const version = parseEtag(input.etag);
      assert.deepEqual(version === null ? undefined : { version: String(version) }, expect, name);
    }
  }
});
