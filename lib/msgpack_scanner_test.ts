import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { WireError } from "./errors.ts";
import { MESSAGE_MAX_DEPTH, MESSAGE_MAX_VALUES } from "./limits.ts";
import { scanValue, ValueScanner } from "./msgpack_scanner.ts";

const VALUES: readonly ValueType[] = [
  ...[0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, -1, -32, -33, -129, -40_000, 1.5],
  ...[null, true, false, 2n ** 40n, -(2n ** 40n)],
  ...["", "a", "a".repeat(31), "a".repeat(32), "a".repeat(256), "a".repeat(65_536)],
  ...[new Uint8Array(0), new Uint8Array(300), new Uint8Array(70_000)],
  [],
  [1, [2, [3, []]], {}],
  Array.from({ length: 16 }, (_, index) => index),
  Array.from({ length: 65_536 }, () => 1),
  { a: { b: { c: [1, "x"] } }, d: null },
  Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`key${index}`, index])),
];
const EXTENSIONS: readonly (readonly number[])[] = [
  [0xd4, 1, 0],
  [0xd5, 1, 0, 0],
  [0xd6, 1, 0, 0, 0, 0],
  [0xd7, 1, ...new Array(8).fill(0)],
  [0xd8, 1, ...new Array(16).fill(0)],
  [0xc7, 2, 9, 0, 0],
  [0xc8, 0, 2, 9, 0, 0],
  [0xc9, 0, 0, 0, 2, 9, 0, 0],
  [0xca, 0, 0, 0, 0],
];
const ENCODED = [...VALUES.map(encode), ...EXTENSIONS.map((bytes) => new Uint8Array(bytes))];

Deno.test("the end of every kind of value is found", () => {
  for (const value of ENCODED) {
    const bytes = new Uint8Array([9, 9, ...value.subarray(0, 200), 9]);
    if (value.length > 200) {
      assertStrictEquals(scanValue({ bytes: value, start: 0, end: value.length }), value.length);
    } else assertStrictEquals(scanValue({ bytes, start: 2, end: bytes.length }), value.length);
  }
});

Deno.test("a value that comes byte by byte, in a buffer that moves, is whole at its last byte", () => {
  for (const bytes of ENCODED) {
    if (bytes.length > 1000) continue;
    const scanner = new ValueScanner({ limitBytes: bytes.length });
    for (let count = 0; count <= bytes.length; count++) {
      const moved = new Uint8Array(count + bytes.length);
      moved.set(bytes.subarray(0, count), count);
      const end = scanner.scan({ bytes: moved, start: count, end: 2 * count });
      assertStrictEquals(end, count === bytes.length ? bytes.length : undefined);
    }
  }
});

Deno.test("a declared length over the limit is refused at its header", () => {
  const headers: readonly (readonly number[])[] = [
    [0xdb, 0, 0, 0x10, 0],
    [0xc6, 0xff, 0xff, 0xff, 0xff],
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0xdf, 0xff, 0xff, 0xff, 0xff],
    [0xc9, 0xff, 0xff, 0xff, 0xff],
    [0xda, 0x10, 0],
    [0x81, 0xa1, 0x61, 0xda, 0x0f, 0xff],
  ];
  for (const header of headers) {
    const scanner = new ValueScanner({ limitBytes: 4096 });
    const bytes = new Uint8Array(header);
    const scan = () => scanner.scan({ bytes, start: 0, end: bytes.length });
    assertStrictEquals(assertThrows(scan, WireError).reason, "too_large");
  }
});

Deno.test("nesting is allowed to the limit and no deeper", () => {
  const nested = (depth: number) => new Uint8Array([...new Array(depth).fill(0x91), 0xc0]);
  const allowed = nested(MESSAGE_MAX_DEPTH - 1);
  assertStrictEquals(scanValue({ bytes: allowed, start: 0, end: allowed.length }), allowed.length);
  const deep = nested(MESSAGE_MAX_DEPTH);
  const scan = () => scanValue({ bytes: deep, start: 0, end: deep.length });
  assertStrictEquals(assertThrows(scan, WireError).reason, "too_deep");
});

Deno.test("the unused type is refused", () => {
  const bytes = new Uint8Array([0x91, 0xc1]);
  const scan = () => scanValue({ bytes, start: 0, end: 2 });
  assertStrictEquals(assertThrows(scan, WireError).reason, "malformed");
});

Deno.test("a message holds so many values and no more, wherever they are nested", () => {
  const lists = (count: number) => new Uint8Array([0x93, ...new Array(count).fill(0x92)]);
  const whole = (values: number) => new Uint8Array([0xdc, 0, values, ...new Array(values).fill(1)]);
  const scan = (bytes: Uint8Array) =>
    scanValue({ bytes, start: 0, end: bytes.length }, { maxValues: 10 });
  assertEquals(scan(whole(9)), 12);
  for (const bytes of [whole(10), lists(10)]) {
    assertEquals(assertThrows(() => scan(bytes), WireError).reason, "too_many");
  }
});

Deno.test("what would take sixty times its bytes in memory is refused before it is decoded", () => {
  const bytes = new Uint8Array(MESSAGE_MAX_VALUES + 5).fill(0x80);
  bytes.set([0xdd, 0, ...[16, 8, 0].map((shift) => MESSAGE_MAX_VALUES >> shift & 0xff)]);
  const error = assertThrows(() => scanValue({ bytes, start: 0, end: bytes.length }), WireError);
  assertEquals(error.reason, "too_many");
});
