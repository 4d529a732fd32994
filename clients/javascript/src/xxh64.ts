/**
 * XXH64 with seed 0, on 32-bit halves.
 *
 * JavaScript has no 64-bit integers but BigInt, which allocates with each step: on halves, with `Math.imul`, the hash of
 * a key takes a fraction of that time (bench/hash.mjs measures both). The algorithm and its constants are those of
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
 */

/** A hash of 64 bits as two unsigned numbers of 32. */
export interface Hash64 {
  /** The upper half. */
  readonly high: number;
  /** The lower half. */
  readonly low: number;
}

const P1H = 0x9e3779b1 | 0;
const P1L = 0x85ebca87 | 0;
const P2H = 0xc2b2ae3d | 0;
const P2L = 0x27d4eb4f | 0;
const P3H = 0x165667b1 | 0;
const P3L = 0x9e3779f9 | 0;
const P4H = 0x85ebca77 | 0;
const P4L = 0xc2b2ae63 | 0;
const P5H = 0x27d4eb2f | 0;
const P5L = 0x165667c5 | 0;

// The two halves of the value at hand: functions that answered pairs would allocate one for each step.
let high = 0;
let low = 0;

function multiply(bHigh: number, bLow: number): void {
  const a0 = low & 0xffff;
  const a1 = low >>> 16;
  const b0 = bLow & 0xffff;
  const b1 = bLow >>> 16;
  const p00 = Math.imul(a0, b0);
  const mid = (Math.imul(a1, b0) + (p00 >>> 16)) | 0;
  const top = (Math.imul(a0, b1) + (mid & 0xffff)) | 0;
  high = (Math.imul(high, bLow) + Math.imul(low, bHigh) + Math.imul(a1, b1) + (mid >>> 16) + (top >>> 16)) | 0;
  low = (top << 16) | (p00 & 0xffff);
}

function add(bHigh: number, bLow: number): void {
  const sum = (low >>> 0) + (bLow >>> 0);
  high = (high + bHigh + (sum > 0xffffffff ? 1 : 0)) | 0;
  low = sum | 0;
}

/** Rotate left by 1 to 31 bits. */
function rotate(bits: number): void {
  const kept = high;
  high = (high << bits) | (low >>> (32 - bits));
  low = (low << bits) | (kept >>> (32 - bits));
}

/** `value ^= value >>> bits` for 1 to 31 bits. */
function shiftXor(bits: number): void {
  low ^= (low >>> bits) | (high << (32 - bits));
  high ^= high >>> bits;
}

/** Mix the eight bytes at `at` into an accumulator, which is left in `high` and `low`. */
function round(accumulatorHigh: number, accumulatorLow: number, bytes: Uint8Array, at: number): void {
  low = word(bytes, at);
  high = word(bytes, at + 4);
  multiply(P2H, P2L);
  add(accumulatorHigh, accumulatorLow);
  rotate(31);
  multiply(P1H, P1L);
}

/** Four bytes, the least significant first. */
function word(bytes: Uint8Array, at: number): number {
  return byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

// Two halves for each of the four accumulators; used within one call only.
const lanes = new Int32Array(8);

function stripes(bytes: Uint8Array): number {
  // seed + P1 + P2, seed + P2, seed, seed - P1
  lanes.set([0x60ea27ee, 0xadc0b5d6, P2H, P2L, 0, 0, 0x61c8864e, 0x7a143579]);
  const last = bytes.length - 32;
  let at = 0;
  for (; at <= last; at += 32) {
    for (let lane = 0; lane < 8; lane += 2) {
      round(lanes[lane] as number, lanes[lane + 1] as number, bytes, at + lane * 4);
      lanes[lane] = high;
      lanes[lane + 1] = low;
    }
  }
  converge();
  return at;
}

/** The four accumulators become one value. */
function converge(): void {
  let sumHigh = 0;
  let sumLow = 0;
  for (let lane = 0; lane < 4; lane++) {
    high = lanes[lane * 2] as number;
    low = lanes[lane * 2 + 1] as number;
    rotate([1, 7, 12, 18][lane] as number);
    add(sumHigh, sumLow);
    sumHigh = high;
    sumLow = low;
  }
  for (let lane = 0; lane < 8; lane += 2) {
    low = lanes[lane + 1] as number;
    high = lanes[lane] as number;
    multiply(P2H, P2L);
    rotate(31);
    multiply(P1H, P1L);
    high ^= sumHigh;
    low ^= sumLow;
    multiply(P1H, P1L);
    add(P4H, P4L);
    sumHigh = high;
    sumLow = low;
  }
}

/** XXH64 (seed 0) of bytes, as halves. */
export function xxh64Halves(bytes: Uint8Array): Hash64 {
  const length = bytes.length;
  let at = 0;
  if (length >= 32) {
    at = stripes(bytes);
  } else {
    high = P5H;
    low = P5L;
  }
  // No array of the platform has 2^32 bytes, but a length may have a bit above the 31st.
  add(Math.floor(length / 0x100000000), length | 0);
  for (; at + 8 <= length; at += 8) {
    const keptHigh = high;
    const keptLow = low;
    round(0, 0, bytes, at);
    high ^= keptHigh;
    low ^= keptLow;
    rotate(27);
    multiply(P1H, P1L);
    add(P4H, P4L);
  }
  if (at + 4 <= length) {
    const keptHigh = high;
    const keptLow = low;
    low = word(bytes, at);
    high = 0;
    multiply(P1H, P1L);
    high ^= keptHigh;
    low ^= keptLow;
    rotate(23);
    multiply(P2H, P2L);
    add(P3H, P3L);
    at += 4;
  }
  for (; at < length; at++) {
    const keptHigh = high;
    const keptLow = low;
    low = byte(bytes, at);
    high = 0;
    multiply(P5H, P5L);
    high ^= keptHigh;
    low ^= keptLow;
    rotate(11);
    multiply(P1H, P1L);
  }
  // value ^= value >>> 33
  low ^= high >>> 1;
  multiply(P2H, P2L);
  shiftXor(29);
  multiply(P3H, P3L);
  // value ^= value >>> 32
  low ^= high;
  return { high: high >>> 0, low: low >>> 0 };
}

/** A hash as 16 lower-case hex digits. */
export function hashText(hash: Hash64): string {
  return hash.high.toString(16).padStart(8, "0") + hash.low.toString(16).padStart(8, "0");
}

/** A hash as an unsigned BigInt. */
export function hashNumber(hash: Hash64): bigint {
  return (BigInt(hash.high) << 32n) | BigInt(hash.low);
}

/**
 * XXH64 with seed 0, unsigned.
 *
 * @param data Bytes, or a text that is hashed as UTF-8.
 */
export function xxh64(data: Uint8Array | string): bigint {
  return hashNumber(xxh64Halves(typeof data === "string" ? new TextEncoder().encode(data) : data));
}
