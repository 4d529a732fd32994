/**
 * Names of entities: `urn:themis:{model}:{namespace}:{collection}:{uuid}`.
 *
 * The part before the uuid (the *prefix*) repeats from call to call and is remembered in a bounded map, the uuid is
 * checked by one regular expression; only a refused URN takes the slow way, which finds out what is wrong and where.
 *
 * Invariant: a `Urn` that exists is valid and normalised; two URNs that name the same entity have the same text. RFC
 * 8141 makes `urn` and the namespace identifier case-insensitive, RFC 9562 the uuid: these are lowered. Model, namespace
 * and collection keep their case and are compared exactly.
 */

import { Model } from "./_generated/models.js";
import { InvalidUrnError, type InvalidUrnReason } from "./errors.js";

/** The nil UUID, which names nothing. */
export const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/** The models, in the order of the specification. */
export const MODELS: readonly Model[] = Object.values(Model);

const NAME_MAX_CHARS = 63;
const UUID_CHARS = 36;
const PREFIX_START = "urn:themis:";
const UUID = /^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$/;
const UUID_CHAR = /[0-9A-Fa-f]/;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/;
const NAME_FIRST = /^[A-Za-z0-9_]/;
const NAME_CHAR = /[A-Za-z0-9_.-]/;

/** What stands before the uuid: a collection, fully named. */
interface Prefix {
  readonly model: Model;
  readonly namespace: string;
  readonly collection: string;
}

// Prefix text as met -> its parts. Emptied when full: hostile texts can make it useless, never large.
const PREFIXES_MAX = 4096;
const prefixes = new Map<string, Prefix>();

/** The name of one entity. `new Urn(...)` validates and normalises its parts, `Urn.parse(text)` reads a written one. */
export class Urn {
  /** The data model. */
  readonly model: Model;
  /** The namespace of the collection. */
  readonly namespace: string;
  /** The collection. */
  readonly collection: string;
  /** The uuid, in lower case. */
  readonly uuid: string;

  /**
   * The name of an entity, from its parts.
   *
   * @param model relational, document, graph, vector or timeseries
   * @param namespace The namespace of the collection.
   * @param collection The collection.
   * @param uuid In any case.
   * @throws InvalidUrnError
   */
  constructor(model: string, namespace: string, collection: string, uuid: string) {
    checkTexts(model, namespace, collection, uuid);
    const prefixText = `${PREFIX_START}${model}:${namespace}:${collection}:`;
    const prefix = prefixes.get(prefixText) ?? learnPrefix(prefixText + uuid, prefixText.length);
    if (!UUID.test(uuid) || uuid === NIL_UUID) {
      refuse(prefixText + uuid);
    }
    this.model = prefix.model;
    this.namespace = prefix.namespace;
    this.collection = prefix.collection;
    this.uuid = uuid.toLowerCase();
  }

  /**
   * Read `urn:themis:{model}:{namespace}:{collection}:{uuid}`.
   *
   * @throws InvalidUrnError
   */
  static parse(text: string): Urn {
    if (typeof text !== "string") {
      fail("scheme", 0, `a URN is a text, not of type ${typeof text}`);
    }
    const end = Math.max(text.length - UUID_CHARS, 0);
    const prefix = prefixes.get(text.slice(0, end)) ?? learnPrefix(text, end);
    return new Urn(prefix.model, prefix.namespace, prefix.collection, text.slice(end));
  }

  /** The written form, normalised. */
  toString(): string {
    return `${PREFIX_START}${this.model}:${this.namespace}:${this.collection}:${this.uuid}`;
  }

  /** In JSON a URN is its text. */
  toJSON(): string {
    return this.toString();
  }

  /** Whether both name the same entity. */
  equals(other: Urn): boolean {
    return this.toString() === other.toString();
  }

  /**
   * Percent-encoded for one path segment.
   *
   * Names and uuids hold unreserved characters only (RFC 3986, 2.3), so the colons are all there is to encode. They must
   * be: `new URL("urn:...", base)` takes a bare `urn:` for a scheme.
   */
  quoted(): string {
    return `urn%3Athemis%3A${this.model}%3A${this.namespace}%3A${this.collection}%3A${this.uuid}`;
  }

  /** @internal */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Urn(${this.toString()})`;
  }
}

/**
 * Uuids of one collection to URNs; throws at once when it is no collection.
 *
 * @internal
 */
export function urnMaker(model: string, namespace: string, collection: string): (uuid: string) => Urn {
  checkTexts(model, namespace, collection, NIL_UUID);
  const prefixText = `${PREFIX_START}${model}:${namespace}:${collection}:`;
  if (!prefixes.has(prefixText)) {
    learnPrefix(prefixText + NIL_UUID, prefixText.length);
  }
  return (uuid) => new Urn(model, namespace, collection, uuid);
}

/** Undefined must not become the collection "undefined", nor a list of one the name in it. */
function checkTexts(model: unknown, namespace: unknown, collection: unknown, uuid: unknown): void {
  if (
    typeof uuid === "string" &&
    typeof collection === "string" &&
    typeof model === "string" &&
    typeof namespace === "string"
  ) {
    return;
  }
  let position = PREFIX_START.length;
  for (const [reason, part] of Object.entries({ model, namespace, collection, uuid })) {
    if (typeof part !== "string") {
      fail(reason as InvalidUrnReason, position, `the ${reason} is a text, not of type ${typeof part}`);
    }
    position += part.length + 1;
  }
}

/** Validate what stands before the uuid of `text`, and remember it. */
function learnPrefix(text: string, end: number): Prefix {
  const parts = splitAtFiveColons(text);
  checkPrefix(parts, text);
  const [, , model, namespace, collection, uuid] = parts as [string, string, Model, string, string, string];
  if (uuid.length !== text.length - end) {
    refuseUuid(uuid, text.length - uuid.length);
  }
  const prefix = { model, namespace, collection };
  if (prefixes.size >= PREFIXES_MAX) {
    prefixes.clear();
  }
  prefixes.set(text.slice(0, end), prefix);
  return prefix;
}

/** At most six parts: whatever follows the fifth colon is the uuid. */
function splitAtFiveColons(text: string): string[] {
  const parts = text.split(":");
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(":")];
}

/** Judge the parts from left to right: the first mistake is the one to name. */
function checkPrefix(parts: readonly string[], text: string): void {
  // Not toLowerCase(): it maps letters of other alphabets to ASCII.
  if (!/^[Uu][Rr][Nn]$/.test(parts[0] ?? "")) {
    fail("scheme", 0, "a URN starts with urn:");
  }
  if (!/^[Tt][Hh][Ee][Mm][Ii][Ss]$/.test(parts[1] ?? "")) {
    fail("nid", Math.min(4, text.length), `a ThemisDB URN starts with ${PREFIX_START}`);
  }
  let position = Math.min(PREFIX_START.length, text.length);
  const model = parts[2];
  if (model === undefined || !(MODELS as readonly string[]).includes(model)) {
    fail("model", position, `the model is one of ${MODELS.join(", ")}`);
  }
  position += model.length + 1;
  for (const [index, reason] of [
    [3, "namespace"],
    [4, "collection"],
  ] as const) {
    const name = parts[index];
    if (name === undefined) {
      fail(reason, text.length, `the ${reason} is missing`);
    }
    checkName(name, position, reason);
    position += name.length + 1;
  }
  if (parts.length < 6) {
    fail("uuid", text.length, "the uuid is missing");
  }
}

function checkName(name: string, start: number, reason: InvalidUrnReason): void {
  if (NAME.test(name)) {
    return;
  }
  if (name === "") {
    fail(reason, start, `the ${reason} is empty`);
  }
  if (!NAME_FIRST.test(name)) {
    fail(reason, start, `a ${reason} starts with a letter, a digit or _`);
  }
  for (let offset = 0; offset < Math.min(name.length, NAME_MAX_CHARS + 1); offset++) {
    if (!NAME_CHAR.test(name.charAt(offset))) {
      fail(reason, start + offset, `a ${reason} holds letters, digits, _ . and - only`);
    }
  }
  fail(reason, start + NAME_MAX_CHARS, `a ${reason} has at most ${String(NAME_MAX_CHARS)} characters`);
}

/** The uuid of `text`, whose prefix is known to be good, is not acceptable. */
function refuse(text: string): never {
  const parts = splitAtFiveColons(text);
  const uuid = parts[5] ?? "";
  refuseUuid(uuid, text.length - uuid.length);
}

function refuseUuid(uuid: string, start: number): never {
  if (uuid === NIL_UUID) {
    fail("nil_uuid", start, "the nil UUID names nothing");
  }
  for (let offset = 0; offset < Math.min(uuid.length, UUID_CHARS); offset++) {
    const isDash = uuid.charAt(offset) === "-";
    const wantsDash = offset === 8 || offset === 13 || offset === 18 || offset === 23;
    if (isDash !== wantsDash || (!wantsDash && !UUID_CHAR.test(uuid.charAt(offset)))) {
      fail("uuid", start + offset, "a uuid is 8-4-4-4-12 hexadecimal digits (RFC 9562)");
    }
  }
  const position = start + Math.min(uuid.length, UUID_CHARS);
  fail("uuid", position, `a uuid has 36 characters, this one ${String(uuid.length)}`);
}

function fail(reason: InvalidUrnReason, position: number, detail: string): never {
  throw new InvalidUrnError(reason, position, detail);
}
