// Documents to JSON and back: what is exact, what is refused, what cannot do harm.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EncodingError, ThemisClient, TransportError, Urn } from "../dist/esm/index.js";
import { decodeJson, encodeDocument, utf8Length } from "../dist/esm/json.js";
import { FakeTransport, jsonResponse } from "../dist/esm/testing.js";

const SECRET = "hunter2";

test("by default integers beyond 2^53-1 are rounded, as JSON.parse does", () => {
  assert.deepEqual(decodeJson('{"n":9007199254740993,"m":9007199254740991}'), {
    n: 9007199254740992,
    m: 9007199254740991,
  });
});

test("on request they come exactly, and only they are BigInts", () => {
  const text = `{"a":9007199254740993,"b":[-9007199254740992,9007199254740991,0,-1],"c":{"d":18446744073709551615},
    "e":1.5,"f":12345678901234567890.5,"g":1e20,"h":1E-3,"s":"9007199254740993","t":true,"u":false,"v":null, "w" : [ ] , "x":{}}`;
  assert.deepEqual(decodeJson(text, "bigint"), {
    a: 9007199254740993n,
    b: [-9007199254740992n, 9007199254740991, 0, -1],
    c: { d: 18446744073709551615n },
    e: 1.5,
    f: 12345678901234567890.5,
    g: 1e20,
    h: 0.001,
    s: "9007199254740993",
    t: true,
    u: false,
    v: null,
    w: [],
    x: {},
  });
});

test("the exact reader reads what JSON.parse reads", () => {
  const texts = [
    '["\\"\\\\", "a\\\\", "\\u0041\\n", "{[\\"1234567890123456\\"]}", "", "😀\\ud83d\\ude00"]',
    '{"":1,"a\\"b":{"__proto__":{"x":1},"constructor":2},"a":1,"a":2,"k":1234567890123456}',
    " [1234567890123456 ,\t2\r\n] ",
    '"1234567890123456"',
    "1234567890123456",
  ];
  for (const text of texts) {
    assert.deepEqual(
      decodeJson(`[${text}, 1234567890123456]`, "bigint"),
      JSON.parse(`[${text}, 1234567890123456]`),
      text,
    );
  }
  assert.throws(() => decodeJson('{"a":1234567890123456', "bigint"), SyntaxError);
});

test("__proto__ is a member like any other, and changes nothing", () => {
  for (const integers of ["number", "bigint"]) {
    const found = decodeJson('{"n":12345678901234567890,"__proto__":{"isAdmin":true}}', integers);
    assert.equal(found.isAdmin, undefined);
    assert.ok(Object.hasOwn(found, "__proto__"));
    assert.match(encodeDocument(found), /"__proto__":\{"isAdmin":true\}/);
  }
  assert.equal({}.isAdmin, undefined);
});

test("BigInts are written exactly, wherever they are", () => {
  const document = { a: 2n ** 63n - 1n, b: [-1n, { c: 9007199254740993n }], d: "x", e: null, f: [true, 1.5] };
  assert.equal(
    encodeDocument(document),
    '{"a":9223372036854775807,"b":[-1,{"c":9007199254740993}],"d":"x","e":null,"f":[true,1.5]}',
  );
});

test("dates, URNs and what else has a toJSON write themselves", () => {
  const urn = Urn.parse("urn:themis:document:d:c:550e8400-e29b-41d4-a716-446655440000");
  const document = { at: new Date(0), urn, nested: { toJSON: () => ({ a: [1n] }) } };
  assert.equal(encodeDocument(document), `{"at":"1970-01-01T00:00:00.000Z","urn":"${urn}","nested":{"a":[1]}}`);
  class Point {
    constructor(x) {
      this.x = x;
    }
  }
  assert.equal(encodeDocument(new Point(1)), '{"x":1}');
});

const cycle = { a: 1 };
cycle.self = cycle;
const deep = (levels) => (levels === 0 ? {} : { a: deep(levels - 1) });

const REFUSED = {
  NaN: { a: [NaN] },
  "an infinity": { a: { b: -Infinity } },
  undefined: { a: undefined },
  "undefined in an array": { a: [undefined] },
  "a hole": { a: new Array(1) },
  "a function": { a: () => 1 },
  "a symbol": { a: Symbol("x") },
  "a cycle": cycle,
  "a cycle with a BigInt": { n: 1n, cycle },
  "too deep": deep(2000),
  "a lone surrogate": { a: "x\ud800" },
  "a lone surrogate in a name": { "\udc00": 1 },
  "a lone surrogate beside a BigInt": { n: 1n, a: "\ud800" },
  "NaN beside a BigInt": { n: 1n, a: NaN },
  "a Map": { a: new Map() },
  "a Set": new Set(),
  bytes: { a: new Uint8Array(1) },
  "an invalid date": { a: new Date(NaN) },
  "a toJSON that answers nothing": { toJSON: () => undefined },
  "a toJSON that throws": { a: { toJSON: () => assert.fail("no") } },
  "a toJSON without end": { toJSON: function again() { return { toJSON: again }; } }, // prettier-ignore
  "an array": [1],
  null: null,
  "a text": "a",
  "a number": 1,
  nothing: undefined,
};

for (const [what, document] of Object.entries(REFUSED)) {
  test(`${what} is refused`, () => {
    assert.throws(() => encodeDocument(document), EncodingError);
  });
}

test("whatever depth a server takes is written", () => {
  assert.equal(encodeDocument(deep(500)).length, 500 * 6 + 2);
});

test("lengths in UTF-8", () => {
  for (const text of ["", "abc", "ä", "€", "😀", "aä€😀\u07ff\u0800"]) {
    assert.equal(utf8Length(text), Buffer.byteLength(text), text);
  }
});

test("a client reads integers as it was asked to, in all kinds of answers", async () => {
  const urn = "urn:themis:document:default:users:550e8400-e29b-41d4-a716-446655440000";
  const doc = '{"n":9007199254740993}';
  const answers = {
    GET: `{"items":[{"urn":"${urn}","version":7,"doc":${doc}}]}`,
    POST: `{"items":[{"urn":"${urn}","version":7,"doc":${doc}}]}`,
  };
  const transport = new FakeTransport(({ method, target }) => ({
    ...jsonResponse(200, null, { etag: '"7"' }),
    body: new TextEncoder().encode(target.startsWith("/entity") ? doc : answers[method]),
  }));
  const client = new ThemisClient({ endpoints: ["http://fake"], transport, integers: "bigint" });
  assert.deepEqual(await client.getByUrn(urn), { n: 9007199254740993n });
  assert.deepEqual((await client.getEntityByUrn(urn)).doc, { n: 9007199254740993n });
  assert.deepEqual((await client.batchGetByUrn([urn])).at(0), { n: 9007199254740993n });
  assert.deepEqual((await client.iterate("users").next()).value.doc, { n: 9007199254740993n });
});

for (const [what, body] of Object.entries({
  "no JSON": `{"password":"${SECRET}"`,
  "an array": `["${SECRET}"]`,
  "no UTF-8": new Uint8Array([0x7b, 0xff, 0x7d]),
  nothing: "",
})) {
  test(`an answer that is ${what} is an error that repeats nothing`, async () => {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const transport = new FakeTransport(() => ({ status: 200, headers: { etag: '"1"' }, body: bytes }));
    const client = new ThemisClient({ endpoints: ["http://fake"], transport });
    await assert.rejects(client.get("document", "users", crypto.randomUUID()), (error) => {
      assert.ok(error instanceof TransportError);
      assert.equal(error.kind, "protocol");
      assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /hunter2/);
      return true;
    });
  });
}
