// XXH64 of keys and of large bodies: 32-bit halves, as the SDK does it, beside BigInt.
//
//   node bench/hash.mjs

import { randomBytes } from "node:crypto";
import { xxh64Halves, hashNumber } from "../dist/esm/xxh64.js";

const MASK = (1n << 64n) - 1n;
const [P1, P2, P3, P4, P5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
];
const rotated = (value, bits) => ((value << bits) | (value >> (64n - bits))) & MASK;
const round = (accumulator, input) => (rotated((accumulator + input * P2) & MASK, 31n) * P1) & MASK;

/** The same algorithm in BigInts, as plain as can be. */
function xxh64BigInt(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash = P5;
  if (bytes.length >= 32) {
    const lanes = [(P1 + P2) & MASK, P2, 0n, -P1 & MASK];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let lane = 0; lane < 4; lane++) {
        lanes[lane] = round(lanes[lane], view.getBigUint64(at + lane * 8, true));
      }
    }
    const [a, b, c, d] = lanes;
    hash = (rotated(a, 1n) + rotated(b, 7n) + rotated(c, 12n) + rotated(d, 18n)) & MASK;
    for (const lane of lanes) {
      hash = ((hash ^ round(0n, lane)) * P1 + P4) & MASK;
    }
  }
  hash = (hash + BigInt(bytes.length)) & MASK;
  for (; at + 8 <= bytes.length; at += 8) {
    hash = (rotated(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4) & MASK;
  }
  if (at + 4 <= bytes.length) {
    hash = (rotated(hash ^ ((BigInt(view.getUint32(at, true)) * P1) & MASK), 23n) * P2 + P3) & MASK;
    at += 4;
  }
  for (; at < bytes.length; at++) {
    hash = (rotated(hash ^ ((BigInt(bytes[at]) * P5) & MASK), 11n) * P1) & MASK;
  }
  hash = ((hash ^ (hash >> 33n)) * P2) & MASK;
  hash = ((hash ^ (hash >> 29n)) * P3) & MASK;
  return hash ^ (hash >> 32n);
}

function nanoseconds(hash, bytes, times) {
  for (let warm = 0; warm < times / 4; warm++) {
    hash(bytes);
  }
  const began = process.hrtime.bigint();
  for (let time = 0; time < times; time++) {
    hash(bytes);
  }
  return Number(process.hrtime.bigint() - began) / times;
}

for (const [what, length, times] of [
  ["a key", 36, 200_000],
  ["1 MiB", 1 << 20, 8],
]) {
  const bytes = new Uint8Array(randomBytes(length));
  if (hashNumber(xxh64Halves(bytes)) !== xxh64BigInt(bytes)) {
    throw new Error("the two disagree");
  }
  const [halves, bigints] = [xxh64Halves, xxh64BigInt].map((hash) => nanoseconds(hash, bytes, times));
  const show = (ns) => (ns > 1e6 ? `${(ns / 1e6).toFixed(1)} ms` : `${ns.toFixed(0)} ns`);
  console.log(
    `${what.padEnd(6)} halves ${show(halves)}, BigInt ${show(bigints)}: ${(bigints / halves).toFixed(1)} times`,
  );
}
