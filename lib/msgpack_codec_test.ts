import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { type DropReason, WireError } from "./errors.ts";
import {
  boolean,
  bytes,
  checked,
  type Codec,
  count,
  decodeMessage,
  dictionary,
  encodeMessage,
  list,
  malformed,
  mapped,
  number,
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
  readonly label?: string;
}
const POINT = { x: count(), y: count(), label: optional(text({ max: 8 })) };

type Shape =
  | { readonly kind: "circle"; readonly radius: number }
  | { readonly kind: "path"; readonly points: readonly Point[] }
  | { readonly kind: "none" };
const SHAPE = {
  circle: { radius: count() },
  path: { points: list(row<Point>(POINT), 3) },
  none: {},
};

const even = checked(count(), (value, at) => {
  if (value % 2 === 1) throw malformed(at, "even");
  return value;
});
const hex = mapped<string, Uint8Array>(bytes({ max: 4 }), {
  write: (value) => Uint8Array.fromHex(value),
  read: (found, at) => {
    if (found[0] === 0) throw malformed(at, "without a zero in front");
    return found.toHex();
  },
});
const UTF8 = new TextEncoder();

/** A value of a codec, and the form in which it travels. */
interface Pair {
  readonly value: unknown;
  readonly form: ValueType;
}

/** Erases what a table cannot hold. */
function of<T>(codec: Codec<T>, ...pairs: readonly (readonly [T, ValueType])[]): {
  readonly codec: Codec<unknown>;
  readonly pairs: readonly Pair[];
} {
  return {
    codec: codec as Codec<unknown>,
    pairs: pairs.map(([value, form]) => ({ value, form })),
  };
}

const FORMS: Readonly<Record<string, ReturnType<typeof of>>> = {
  text: of(text({ max: 6 }), ["", ""], ["abcdef", "abcdef"], ["ééé", "ééé"], ["é🦕", "é🦕"]),
  count: of(count(), [0, 0], [2 ** 53 - 1, 2 ** 53 - 1]),
  number: of(number, [1.5, 1.5], [-3, -3], [2 ** 60, 2 ** 60]),
  boolean: of(boolean, [true, true], [false, false]),
  bytes: of(
    bytes({ max: 3 }),
    [new Uint8Array(0), new Uint8Array(0)],
    [Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)],
  ),
  oneOf: of(oneOf(["up", "down"]), ["up", "up"], ["down", "down"]),
  optional: of(optional(count()), [undefined, null], [0, 0]),
  checked: of(even, [4, 4]),
  mapped: of(hex, ["ff00", Uint8Array.of(0xff, 0)]),
  list: of(list(count(), 2), [[], []], [[1, 2], [1, 2]]),
  dictionary: of(dictionary(count()), [{}, {}], [{ a: 1, "ü.b": 2, constructor: 3 }, {
    a: 1,
    "ü.b": 2,
    constructor: 3,
  }]),
  record: of(
    record<Point>(POINT),
    [{ x: 1, y: 2 }, { x: 1, y: 2 }],
    [{ x: 1, y: 2, label: "" }, { x: 1, y: 2, label: "" }],
  ),
  row: of(
    row<Point>(POINT),
    [{ x: 1, y: 2 }, [1, 2, null]],
    [{ x: 1, y: 2, label: "a" }, [1, 2, "a"]],
  ),
  tagged: of(
    tagged<Shape, "kind">("kind", SHAPE),
    [{ kind: "circle", radius: 3 }, { kind: "circle", radius: 3 }],
    [{ kind: "path", points: [{ x: 1, y: 2 }] }, { kind: "path", points: [[1, 2, null]] }],
    [{ kind: "none" }, { kind: "none" }],
  ),
  taggedRow: of(
    taggedRow<Shape, "kind">("kind", SHAPE),
    [{ kind: "circle", radius: 3 }, ["circle", 3]],
    [{ kind: "path", points: [{ x: 1, y: 2 }] }, ["path", [[1, 2, null]]]],
    [{ kind: "none" }, ["none"]],
  ),
};

Deno.test("every codec writes its documented form and reads it back", () => {
  for (const [name, { codec, pairs }] of Object.entries(FORMS)) {
    for (const { value, form } of pairs) {
      assertEquals(codec.encode(value), form, name);
      assertEquals(encodeMessage(codec, value), encode(form), name);
      assertEquals(decodeMessage(encode(form), { codec, what: name }), value, name);
    }
  }
});

Deno.test("no truncation of a message is taken for one", () => {
  for (const [what, { codec, pairs }] of Object.entries(FORMS)) {
    for (const { value } of pairs) {
      const whole = encodeMessage(codec, value);
      for (let length = 0; length < whole.length; length++) {
        const cut = () => decodeMessage(whole.subarray(0, length), { codec, what });
        assertEquals(assertThrows(cut, WireError).reason, "truncated", what);
      }
    }
  }
});

const WORD = text({ min: 2, max: 6 });
const LARGE = "too_large";
const EXTENSION = Uint8Array.of(0xd4, 5, 0);
const TIMESTAMP = Uint8Array.of(0xd6, 0xff, 0, 0, 0, 1);

/** What a codec does not read: the value, or the very bytes; and what the error says of `it`. */
type Refusal = readonly [Codec<unknown>, ValueType | { raw: Uint8Array }, string, DropReason?];

function refuses<T>(
  codec: Codec<T>,
  ...cases: readonly (readonly [ValueType | { raw: Uint8Array }, string, DropReason?])[]
): Refusal[] {
  return cases.map((each) => [codec as Codec<unknown>, ...each]);
}

function raw(bytes: readonly number[]): { raw: Uint8Array } {
  return { raw: Uint8Array.from(bytes) };
}

const REFUSALS: readonly Refusal[] = [
  ...refuses(
    WORD,
    ["a", "it must be text of at least 2 bytes"],
    ["abcdefg", "it is 7 bytes long; maximum 6", LARGE],
    ["éééé", "it is 8 bytes long; maximum 6", LARGE],
    ["aééé", "it is 7 bytes long; maximum 6", LARGE],
    [7, "it must be text in UTF-8"],
    [null, "it must be text in UTF-8"],
    [UTF8.encode("abc"), "it must be text in UTF-8"],
    [["abc"], "it must be text in UTF-8"],
    // Half a surrogate pair.
    [raw([0xa3, 0xed, 0xa0, 0x80]), "it must be text in UTF-8"],
    [raw([0xa5, 0x61, 0xed, 0xb0, 0x80, 0x62]), "it must be text in UTF-8"],
  ),
  ...refuses(
    count(9),
    [10, "it is 10; maximum 9", LARGE],
    [-1, "it must be a whole number"],
    [0.5, "it must be a whole number"],
    ["1", "it must be a whole number"],
    [null, "it must be a whole number"],
    [2n ** 63n, "it must be a whole number"],
    [NaN, "it must be a whole number"],
  ),
  ...refuses(
    count(),
    [2 ** 53, "it must be a whole number"],
    [Infinity, "it must be a whole number"],
  ),
  ...refuses(
    number,
    [NaN, "it must be a number"],
    [Infinity, "it must be a number"],
    [-Infinity, "it must be a number"],
    ["1", "it must be a number"],
    [true, "it must be a number"],
  ),
  ...refuses(
    boolean,
    [1, "it must be true or false"],
    ["true", "it must be true or false"],
    [null, "it must be true or false"],
  ),
  ...refuses(
    bytes({ min: 2, max: 3 }),
    [Uint8Array.of(1), "it must be at least 2 bytes"],
    [new Uint8Array(4), "it is 4 bytes long; maximum 3", LARGE],
    ["ab", "it must be bytes"],
    [[1, 2], "it must be bytes"],
    [null, "it must be bytes"],
  ),
  ...refuses(
    oneOf(["up", "down"]),
    ["UP", "it must be one of up, down"],
    ["", "it must be one of up, down"],
    ["toString", "it must be one of up, down"],
    [0, "it must be one of up, down"],
    [["up"], "it must be one of up, down"],
  ),
  ...refuses(optional(count()), [-1, "it must be a whole number"], [false, "it must be a whole"]),
  ...refuses(even, [3, "it must be even"], ["4", "it must be a whole number"]),
  ...refuses(
    hex,
    [Uint8Array.of(0, 1), "it must be without a zero in front"],
    [new Uint8Array(5), "it is 5 bytes long; maximum 4", LARGE],
  ),
  ...refuses(
    list(count(), 2),
    [[1, 2, 3], "it has 3 entries; maximum 2", "too_many"],
    // Too many are not looked at one by one.
    [["x", "x", "x"], "it has 3 entries; maximum 2", "too_many"],
    [{ 0: 1 }, "it must be a list"],
    ["12", "it must be a list"],
    [null, "it must be a list"],
  ),
  ...refuses(
    dictionary(count()),
    [[], "it must be a map"],
    ["", "it must be a map"],
    [null, "it must be a map"],
    [Uint8Array.of(1), "it must be a map"],
    [{ raw: TIMESTAMP }, "it must be a map"],
    [{ raw: EXTENSION }, "it must be a map"],
    [{ a: -1 }, "it.a must be a whole number"],
    [{ [`${"k".repeat(90)}`]: -1 }, `it.${"k".repeat(80)} must be a whole number`],
    [raw([0x81, 0xa3, 0xed, 0xa0, 0x80, 0x01]), "the key it.\\u{d800} must be text in UTF-8"],
  ),
  ...refuses(
    record<Point>(POINT),
    [[1, 2], "it must be a map"],
    [null, "it must be a map"],
    [{ raw: TIMESTAMP }, "it must be a map"],
    [{ x: 1 }, "it.y must be a whole number"],
    [{ x: null, y: 1 }, "it.x must be a whole number"],
    [{ x: 1, y: 2, label: 3 }, "it.label must be text in UTF-8"],
    [{ x: 1, y: 2, label: "123456789" }, "it.label is 9 bytes long; maximum 8", LARGE],
  ),
  ...refuses(
    row<Point>(POINT),
    [{ x: 1, y: 2 }, "it must be an array"],
    [null, "it must be an array"],
    ["ab", "it must be an array"],
    [Uint8Array.of(1, 2), "it must be an array"],
    [[], "it.x must be a whole number"],
    [[1], "it.y must be a whole number"],
    [[1, null], "it.y must be a whole number"],
    [[1, 2, 3], "it.label must be text in UTF-8"],
  ),
  ...refuses(
    tagged<Shape, "kind">("kind", SHAPE),
    [["circle", 3], "it must be a map"],
    [{ radius: 3 }, "it.kind must be one of circle, path, none", "unknown_type"],
    [{ kind: "square" }, "it.kind must be one of circle, path, none", "unknown_type"],
    [{ kind: null }, "it.kind must be one of circle, path, none", "unknown_type"],
    [{ kind: ["circle"] }, "it.kind must be one of circle, path, none", "unknown_type"],
    [{ kind: "circle" }, "it.radius must be a whole number"],
    [{ kind: "path", points: [[1, 2], [1, -2]] }, "it.points[1].y must be a whole number"],
    [{ kind: "path", points: [[], [], [], []] }, "it.points has 4 entries; maximum 3", "too_many"],
  ),
  ...refuses(
    taggedRow<Shape, "kind">("kind", SHAPE),
    [{ kind: "circle", radius: 3 }, "it must be an array"],
    [[], "it.kind must be one of circle, path, none", "unknown_type"],
    [["square"], "it.kind must be one of circle, path, none", "unknown_type"],
    [[0, 3], "it.kind must be one of circle, path, none", "unknown_type"],
    [[["circle"], 3], "it.kind must be one of circle, path, none", "unknown_type"],
    [["circle"], "it.radius must be a whole number"],
    [["path", [[1, 2], { x: 1 }]], "it.points[1] must be an array"],
  ),
];

Deno.test("what a codec does not allow is refused with its place and its reason", () => {
  for (const [codec, value, expected, reason = "malformed"] of REFUSALS) {
    const isRaw = typeof value === "object" && value !== null && "raw" in value;
    const message = isRaw ? value.raw as Uint8Array : encode(value as ValueType);
    const error = assertThrows(() => decodeMessage(message, { codec, what: "it" }), WireError);
    assert(error.message.startsWith(expected), `${error.message} where ${expected} was expected`);
    assertEquals(error.reason, reason, expected);
  }
});

Deno.test("a place deep in a message is told by its path", () => {
  const codec = record({
    orders: list(row({ to: dictionary(tagged<Shape, "kind">("kind", SHAPE)) })),
  });
  const good: ValueType = { kind: "none" };
  const bad: ValueType = { kind: "path", points: [[1, 2], [1, 2, "too long a label"]] };
  const message = encode({ orders: [[{ a: good }], [{ a: good, b: bad }]] });
  assertEquals(
    assertThrows(() => decodeMessage(message, { codec, what: "a plan" }), WireError).message,
    "a plan.orders[1].to.b.points[1].label is 16 bytes long; maximum 8",
  );
});

Deno.test("what a later version adds is passed over, and what it leaves out is not made up", () => {
  const read = <T>(codec: Codec<T>, value: ValueType) =>
    decodeMessage(encode(value), { codec, what: "it" });
  const later = { deep: [1, { more: Uint8Array.of(1) }] };
  assertEquals(read(record<Point>(POINT), { z: later, x: 1, y: 2 }), { x: 1, y: 2 });
  assertEquals(read(row<Point>(POINT), [1, 2, "a", later, null]), { x: 1, y: 2, label: "a" });
  assertEquals(read(taggedRow<Shape, "kind">("kind", SHAPE), ["none", later]), { kind: "none" });
  assertEquals(read(tagged<Shape, "kind">("kind", SHAPE), { kind: "none", later }), {
    kind: "none",
  });
  for (const value of [{ x: 1, y: 2 }, { x: 1, y: 2, label: null }]) {
    assertEquals(Object.keys(read(record<Point>(POINT), value)), ["x", "y"]);
  }
  for (const value of [[1, 2], [1, 2, null]]) {
    assertEquals(Object.keys(read(row<Point>(POINT), value)), ["x", "y"]);
  }
});

Deno.test("byte strings are views of the message", () => {
  const message = encodeMessage(row({ body: bytes({ max: 3 }) }), { body: Uint8Array.of(7, 8) });
  const { body } = decodeMessage(message, { codec: row({ body: bytes({ max: 3 }) }), what: "it" });
  assertStrictEquals(body.buffer, message.buffer);
  assertEquals([...body], [7, 8]);
});

Deno.test("a value of no variant is not written", () => {
  const square = { kind: "square" } as unknown as Shape;
  for (const make of [tagged<Shape, "kind">, taggedRow<Shape, "kind">]) {
    assertThrows(() => encodeMessage(make("kind", SHAPE), square), RangeError, "square");
  }
});
