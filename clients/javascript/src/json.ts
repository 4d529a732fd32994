/**
 * Documents to JSON and back.
 *
 * `JSON.stringify` and `JSON.parse` do the work where they can be trusted. What they let pass silently is refused here:
 * NaN and infinities (written as null), undefined and functions (left out, or null in arrays), a Map (written as `{}`),
 * lone surrogates. BigInts, which they refuse, are written as the integers they are; and where the client was asked to,
 * integers beyond 2^53-1 are read as BigInts instead of being rounded. -0 is written as 0, as JSON.stringify does.
 *
 * No message repeats what is in a document.
 */

import { EncodingError } from "./errors.js";

/** How integers beyond ±(2^53-1) in documents are read: rounded to a `number`, or exactly, as `bigint`. */
export type Integers = "number" | "bigint";

// Deeper than any server takes, and shallow enough for the stack; a cycle ends here, too.
const DEPTH_MAX = 1000;

/**
 * The JSON of a document.
 *
 * @throws EncodingError
 */
export function encodeDocument(document: unknown): string {
  let text: string;
  try {
    text = isPlain(document, 0) ? JSON.stringify(document) : written(document, "", 0);
  } catch (error) {
    if (error instanceof EncodingError) {
      throw new EncodingError(`${error.message}${placeOf(document)}`);
    }
    // A getter or a toJSON of the user's own, whose message may repeat what it saw.
    const what = error instanceof Error ? error.name : typeof error;
    throw new EncodingError(`the document cannot be encoded: a getter or toJSON of it threw (${what})`, {
      cause: error,
    });
  }
  if (!text.startsWith("{")) {
    throw new EncodingError("a document is a JSON object");
  }
  return text;
}

const PLACE_DEPTH_MAX = 32;

/** Where the member is that cannot be encoded, as ` (at /members/0/name)`; nothing for the document itself. */
function placeOf(document: unknown): string {
  let value = document;
  let place = "";
  for (let depth = 0; depth < PLACE_DEPTH_MAX; depth++) {
    const found: [string, unknown] | undefined =
      typeof value === "object" && value !== null && !hasToJson(value)
        ? Object.entries(value).find(([key, member]) => !isEncodable(key) || !isEncodable(member))
        : undefined;
    if (found === undefined) {
      return place === "" ? "" : ` (at ${place})`;
    }
    const [key, member] = found;
    // RFC 6901, as the server's errors point at members.
    place += `/${key.slice(0, 80).replaceAll("~", "~0").replaceAll("/", "~1")}`;
    value = member;
  }
  // Nested too deeply, or without end.
  return "";
}

function isEncodable(value: unknown): boolean {
  try {
    return written(value, "", 0) !== "";
  } catch {
    return false;
  }
}

/** Whether JSON.stringify can be trusted with a value; throws for what has no JSON form. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
      checkText(value);
      return true;
    case "number":
      checkNumber(value);
      return true;
    case "boolean":
      return true;
    case "bigint":
      return false;
    case "object":
      break;
    default:
      refuse(value);
  }
  if (value === null) {
    return true;
  }
  if (hasToJson(value)) {
    return false;
  }
  checkContainer(value, depth);
  let plain = true;
  if (Array.isArray(value)) {
    // Not every(): it skips holes, which JSON.stringify writes as null.
    for (const member of value) {
      plain = isPlain(member, depth + 1) && plain;
    }
    return plain;
  }
  for (const key of Object.keys(value)) {
    checkText(key);
    plain = isPlain((value as Record<string, unknown>)[key], depth + 1) && plain;
  }
  return plain;
}

/** Our own JSON.stringify, for values with a BigInt or a toJSON in them. */
function written(value: unknown, key: string, depth: number): string {
  switch (typeof value) {
    case "string":
      checkText(value);
      return JSON.stringify(value);
    case "number":
      checkNumber(value);
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      return value.toString();
    case "object":
      break;
    default:
      refuse(value);
  }
  if (value === null) {
    return "null";
  }
  if (hasToJson(value)) {
    if (value instanceof Date && Number.isNaN(value.getTime())) {
      throw new EncodingError("an invalid Date has no JSON form");
    }
    if (depth > DEPTH_MAX) {
      refuseDepth();
    }
    const replacement = value.toJSON(key);
    // An object that answers itself is done with its toJSON.
    return replacement === value ? writtenContainer(value, depth) : written(replacement, key, depth + 1);
  }
  return writtenContainer(value, depth);
}

function writtenContainer(value: object, depth: number): string {
  checkContainer(value, depth);
  const parts: string[] = [];
  if (Array.isArray(value)) {
    let index = 0;
    for (const member of value) {
      parts.push(written(member, String(index++), depth + 1));
    }
    return `[${parts.join(",")}]`;
  }
  for (const key of Object.keys(value)) {
    checkText(key);
    const member = written((value as Record<string, unknown>)[key], key, depth + 1);
    parts.push(`${JSON.stringify(key)}:${member}`);
  }
  return `{${parts.join(",")}}`;
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}

function checkText(text: string): void {
  if (!isWellFormed(text)) {
    throw new EncodingError("the document holds a lone surrogate, which UTF-8 cannot express");
  }
}

const SURROGATE = /\p{Surrogate}/u;
// Browsers of 2023 have it, older ones the regular expression.
const isWellFormed: (text: string) => boolean =
  typeof String.prototype.isWellFormed === "function" ? (text) => text.isWellFormed() : (text) => !SURROGATE.test(text);

function checkNumber(value: number): void {
  if (!Number.isFinite(value)) {
    throw new EncodingError("the document holds NaN or an infinity, which JSON cannot express");
  }
}

function checkContainer(value: object, depth: number): void {
  if (depth > DEPTH_MAX) {
    refuseDepth();
  }
  if (Array.isArray(value)) {
    return;
  }
  // Maps, sets, typed arrays, regular expressions, errors, promises, ...: JSON.stringify makes `{}` of them.
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag !== "Object") {
    throw new EncodingError(`a ${tag} has no JSON form`);
  }
}

function refuse(value: unknown): never {
  throw new EncodingError(`${value === undefined ? "undefined" : `a ${typeof value}`} has no JSON form`);
}

function refuseDepth(): never {
  throw new EncodingError(`the document is nested more than ${String(DEPTH_MAX)} levels deep, or contains itself`);
}

const LONG_DIGITS = /\d{16}/;

/**
 * A value from its JSON.
 *
 * @throws SyntaxError whose message may repeat the text: not for others' eyes.
 */
export function decodeJson(text: string, integers: Integers = "number"): unknown {
  const value: unknown = JSON.parse(text);
  return integers === "bigint" && LONG_DIGITS.test(text) ? new ExactReader(text).value() : value;
}

const WHITE = /[ \t\n\r]*/y;
const NUMBER = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y;

/** Reads JSON with exact integers. The text is known to be valid: JSON.parse has read it. */
class ExactReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): unknown {
    this.#take(WHITE);
    const value = this.#bare();
    this.#take(WHITE);
    return value;
  }

  #bare(): unknown {
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case '"':
        return this.#string();
      case "t":
        this.#at += 4;
        return true;
      case "f":
        this.#at += 5;
        return false;
      case "n":
        this.#at += 4;
        return null;
      default:
        return this.#number();
    }
  }

  #object(): Record<string, unknown> {
    const found: Record<string, unknown> = {};
    this.#at++;
    this.#take(WHITE);
    while (this.#text[this.#at] !== "}") {
      const key = this.#string();
      this.#take(WHITE);
      this.#at++;
      const value = this.value();
      if (key === "__proto__") {
        // Assigning it would change what the object inherits from.
        Object.defineProperty(found, key, { value, configurable: true, enumerable: true, writable: true });
      } else {
        found[key] = value;
      }
      this.#comma();
    }
    this.#at++;
    return found;
  }

  #array(): unknown[] {
    const found: unknown[] = [];
    this.#at++;
    this.#take(WHITE);
    while (this.#text[this.#at] !== "]") {
      found.push(this.value());
      this.#comma();
    }
    this.#at++;
    return found;
  }

  #string(): string {
    const start = this.#at;
    let end = start;
    do {
      end = this.#text.indexOf('"', end + 1);
    } while (this.#isEscaped(end));
    this.#at = end + 1;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  /** Whether an odd number of backslashes stands before a place. */
  #isEscaped(place: number): boolean {
    let backslashes = 0;
    while (this.#text[place - 1 - backslashes] === "\\") {
      backslashes++;
    }
    return backslashes % 2 === 1;
  }

  #number(): number | bigint {
    const token = this.#take(NUMBER);
    const value = Number(token);
    return Number.isSafeInteger(value) || /[.eE]/.test(token) ? value : BigInt(token);
  }

  #comma(): void {
    if (this.#text[this.#at] === ",") {
      this.#at++;
      this.#take(WHITE);
    }
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const token = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += token.length;
    return token;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text of UTF-8 bytes.
 *
 * @throws TypeError if they are none.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

/** How many bytes a well-formed text has in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) {
      // Two bytes up to U+07FF, three beyond; each half of a pair has two of the four.
      bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
    }
  }
  return bytes;
}
