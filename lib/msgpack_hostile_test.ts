import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { type DropReason, WireError } from "./errors.ts";
import { MESSAGE_MAX_DEPTH, MESSAGE_MAX_VALUES } from "./limits.ts";
import {
  boolean,
  bytes,
  type Codec,
  count,
  decodeMessage,
  dictionary,
  encodeMessage,
  list,
  oneOf,
  optional,
  record,
  row,
  tagged,
  taggedRow,
  text,
} from "./msgpack_codec.ts";

interface Point {
  readonly x: number;
  readonly y: number;
}
const POINT = { x: count(), y: count() };
const VARIANTS = { circle: { radius: count() }, none: {} };
type Shape = { readonly kind: "circle"; readonly radius: number } | { readonly kind: "none" };
const SHAPE = tagged<Shape, "kind">("kind", VARIANTS);
const SHAPE_ROW = taggedRow<Shape, "kind">("kind", VARIANTS);
const UTF8 = new TextEncoder();

Deno.test("keys of Object's prototype are neither fields nor tags that are not there", () => {
  const read = <T>(codec: Codec<T>, value: ValueType) =>
    decodeMessage(encode(value), { codec, what: "it" });
  interface Odd {
    readonly constructor?: string;
    readonly toString?: string;
  }
  const odd = record<object>({
    constructor: optional(text({ max: 9 })),
    toString: optional(text({ max: 9 })),
  } as Record<keyof Odd, Codec<unknown>>);
  assertEquals(Object.keys(read(odd, {})), []);
  assertEquals(Object.entries(read(odd, { toString: "x" })), [["toString", "x"]]);
  for (const kind of ["constructor", "toString", "hasOwnProperty", "__proto__", "valueOf"]) {
    for (
      const refused of [
        () => read(SHAPE, { kind }),
        () => read(SHAPE_ROW, [kind]),
      ]
    ) assertThrows(refused, WireError, "it.kind must be one of circle, none");
  }
  // A tag that only the prototype could have.
  const byConstructor = tagged<{ constructor: "a" } & object, "constructor">("constructor", {
    a: {},
  } as never);
  assertThrows(() => read(byConstructor, {}), WireError, "it.constructor must be one of a");
  const names = { constructor: 1, hasOwnProperty: 2, toString: 3 };
  assertEquals(Object.entries(read(dictionary(count()), names)), Object.entries(names));
});

Deno.test("the key __proto__ is refused wherever it stands, and is never written", () => {
  const proto = [0xa9, ...UTF8.encode("__proto__")];
  const map = [0x81, ...proto, 0x81, 0xa1, 0x78, 0x01];
  const cases: readonly (readonly [Codec<unknown>, readonly number[]])[] = [
    [dictionary(dictionary(count())), map],
    [record<Point>(POINT), [0x83, 0xa1, 0x78, 1, 0xa1, 0x79, 1, ...map.slice(1)]],
    [list(dictionary(dictionary(count()))), [0x91, ...map]],
    [row<Point>(POINT), [0x93, 1, 2, ...map]],
    [SHAPE, [0x82, ...map.slice(1), 0xa0, 1]],
  ];
  for (const [codec, message] of cases) {
    const read = () => decodeMessage(Uint8Array.from(message), { codec, what: "it" });
    const error = assertThrows(read, WireError, "it is not MessagePack");
    assertEquals(error.reason, "malformed");
  }
  assertEquals(({} as { x?: number }).x, undefined);
  const tags = JSON.parse('{"__proto__": 1, "role": 2}');
  assertEquals(encodeMessage(dictionary(count()), tags), encode({ role: 2 }));
  // A text or a tag of that name is an ordinary one.
  assertEquals(
    decodeMessage(Uint8Array.from(proto), { codec: text({ max: 9 }), what: "it" }),
    "__proto__",
  );
});

Deno.test("lengths that lie and nesting without end are refused before anything is built", () => {
  const cases: [string, readonly number[], DropReason][] = [
    ["4 Gi entries declared", [0xdd, 0xff, 0xff, 0xff, 0xff], "truncated"],
    ["4 Gi pairs declared", [0xdf, 0xff, 0xff, 0xff, 0xff], "truncated"],
    ["4 GiB of text declared", [0xdb, 0xff, 0xff, 0xff, 0xff], "truncated"],
    ["4 GiB of bytes declared", [0xc6, 0xff, 0xff, 0xff, 0xff], "truncated"],
    ["4 GiB of an extension declared", [0xc9, 0xff, 0xff, 0xff, 0xff, 1], "truncated"],
    ["a text longer than the message", [0x91, 0xa5, 0x61], "truncated"],
    ["the unused type", [0xc1], "malformed"],
    ["the unused type in a list", [0x91, 0xc1], "malformed"],
    ["a second value", [0xc0, 0xc0], "malformed"],
    ["nothing", [], "truncated"],
    ["lists in each other", Array(100_000).fill(0x91), "too_deep"],
    ["maps in each other", Array(100_000).fill([0x81, 0xa1, 0x61]).flat(), "too_deep"],
    ["a level too deep", [...Array(MESSAGE_MAX_DEPTH).fill(0x91), 0xc0], "too_deep"],
  ];
  const anything: Codec<unknown> = { encode: () => null, decode: (value) => value };
  for (const [what, message, reason] of cases) {
    const read = () => decodeMessage(Uint8Array.from(message), { codec: anything, what: "it" });
    assertEquals(assertThrows(read, WireError).reason, reason, what);
  }
  const deepest = Uint8Array.from([...Array(MESSAGE_MAX_DEPTH - 1).fill(0x91), 0xc0]);
  assert(Array.isArray(decodeMessage(deepest, { codec: anything, what: "it" })));
});

Deno.test("a message's bytes and the number of its values are bounded", () => {
  const codec = list(boolean);
  const message = (values: number) => {
    const whole = new Uint8Array(5 + values).fill(0xc2);
    whole[0] = 0xdd;
    new DataView(whole.buffer).setUint32(1, values);
    return whole;
  };
  const read = (values: number, bounds: { maxBytes?: number; maxValues?: number } = {}) =>
    decodeMessage(message(values), { codec, what: "a vote", ...bounds }).length;
  assertEquals(read(3, { maxBytes: 8 }), 3);
  const long = assertThrows(() => read(4, { maxBytes: 8 }), WireError);
  assertEquals([long.reason, long.message], ["too_large", "a vote is 9 bytes long; maximum 8"]);
  // The list counts as well.
  assertEquals(read(9, { maxValues: 10 }), 9);
  assertEquals(assertThrows(() => read(10, { maxValues: 10 }), WireError).reason, "too_many");
  assertEquals(read(MESSAGE_MAX_VALUES - 1), MESSAGE_MAX_VALUES - 1);
  assertEquals(assertThrows(() => read(MESSAGE_MAX_VALUES), WireError).reason, "too_many");
  assertEquals(read(MESSAGE_MAX_VALUES, { maxValues: Infinity }), MESSAGE_MAX_VALUES);
});

Deno.test("bytes that follow a message are counted, and the message is named", () => {
  const read = (message: Uint8Array) => decodeMessage(message, { codec: count(), what: "a vote" });
  assertEquals(
    assertThrows(() => read(Uint8Array.of(1, 2, 3)), WireError).message,
    "a vote is followed by 2 bytes",
  );
});

Deno.test("an error quotes nothing of what it refuses but keys", () => {
  const secret = "c2VjcmV0";
  const codec = record({ key: bytes({ min: 40, max: 64 }), name: oneOf(["a"]) });
  const proto: ValueType = { name: secret, ["__proto__"]: secret };
  const messages: readonly Uint8Array[] = [
    encode({ key: secret, name: "a" }),
    encode({ key: UTF8.encode(secret), name: "a" }),
    encode({ key: new Uint8Array(40), name: secret }),
    encode(proto),
    encode([secret]),
    encode(secret),
    // A map whose key is a list that holds it.
    Uint8Array.from([0x81, 0x91, ...encode(secret), 0xc0]),
  ];
  for (const message of messages) {
    const error = assertThrows(() => decodeMessage(message, { codec, what: "it" }), WireError);
    assert(!error.message.includes(secret), error.message);
    assertStrictEquals(error.cause, undefined);
  }
});

Deno.test("an error names a key on one line, and a deep place in bounded length", () => {
  const numbers = dictionary(count());
  const broken = { codec: numbers, what: "it" };
  const newline = assertThrows(
    () => decodeMessage(encode({ "a\nb\u202e": "" }), broken),
    WireError,
  );
  assertEquals(newline.message, "it.a\\nb\\u{202e} must be a whole number");
  let codec: Codec<unknown> = numbers;
  let value: ValueType = { last: "" };
  for (let depth = 0; depth < MESSAGE_MAX_DEPTH - 2; depth++) {
    codec = dictionary(codec);
    value = { ["k".repeat(80)]: value };
  }
  const deep = assertThrows(() => decodeMessage(encode(value), { codec, what: "it" }), WireError);
  assert(deep.message.length < 500, `${deep.message.length}`);
});
