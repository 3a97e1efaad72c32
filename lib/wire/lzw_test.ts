import { assertEquals, assertLess, assertStrictEquals, assertThrows } from "@std/assert";
import { WireError } from "../errors.ts";
import { compressLzw, decompressLzw } from "./lzw.ts";

const INPUTS: readonly Uint8Array[] = [
  new Uint8Array(0),
  new Uint8Array([7]),
  new TextEncoder().encode("TOBEORNOTTOBEORTOBEORNOT"),
  new Uint8Array(100_000),
  Uint8Array.from({ length: 50_000 }, (_, index) => (index * index) >> 3),
];

function rejection(input: Uint8Array, limitBytes = 1 << 20): string {
  return assertThrows(() => decompressLzw(input, { limitBytes }), WireError).reason;
}

Deno.test("compression round trips", () => {
  for (const input of INPUTS) {
    const compressed = compressLzw(input);
    assertEquals(decompressLzw(compressed, { limitBytes: input.length }), input);
  }
});

Deno.test("repetitive input compresses well", () => {
  assertLess(compressLzw(new Uint8Array(100_000)).length, 1000);
});

Deno.test("every truncation is rejected", () => {
  const compressed = compressLzw(INPUTS[2]!);
  for (let length = 0; length < compressed.length; length++) {
    assertStrictEquals(rejection(compressed.subarray(0, length)), "bad_compression");
  }
});

Deno.test("bytes after the end code are ignored", () => {
  const compressed = new Uint8Array([...compressLzw(INPUTS[2]!), 1, 2, 3]);
  assertEquals(decompressLzw(compressed, { limitBytes: 100 }), INPUTS[2]);
});

Deno.test("output longer than the limit is rejected, output of exactly the limit is not", () => {
  const bomb = compressLzw(new Uint8Array(1_000_000));
  assertLess(bomb.length, 3000);
  assertStrictEquals(decompressLzw(bomb, { limitBytes: 1_000_000 }).length, 1_000_000);
  for (const limit of [0, 1, 15, 4096, 999_999]) {
    assertStrictEquals(rejection(bomb, limit), "too_large");
  }
});

/** Packs codes like an encoder that clears the table at the start only. */
function packCodes(codes: readonly number[]): Uint8Array {
  const bits: number[] = [];
  let [width, next] = [9, 257];
  for (const code of codes) {
    for (let bit = 0; bit < width; bit++) bits.push(code >> bit & 1);
    if (code === 256) continue;
    if (next < 4096) next++;
    if (next === 1 << width && width < 12) width++;
  }
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, index) => bytes[index >> 3]! |= bit << (index & 7));
  return bytes;
}

Deno.test("a full table stays as it is until a clear code", () => {
  const literals = Array.from({ length: 5_000 }, (_, index) => (index * 7) & 0xff);
  // Code 258 stands for the first two bytes, code 4095 for those at 3837 and 3838.
  const codes = [256, ...literals, 4095, 258, 4095, 257];
  const last = literals.slice(3_837, 3_839);
  const expected = [...literals, ...last, ...literals.slice(0, 2), ...last];
  assertEquals(
    decompressLzw(packCodes(codes), { limitBytes: expected.length }),
    new Uint8Array(expected),
  );
});

Deno.test("a code may stand for the sequence that it completes, and no higher code is defined", () => {
  const three = { limitBytes: 3 };
  assertEquals(decompressLzw(packCodes([256, 7, 258, 257]), three), new Uint8Array([7, 7, 7]));
  assertStrictEquals(rejection(packCodes([256, 7, 259, 257])), "bad_compression");
});

Deno.test("an undefined code is rejected", () => {
  // Nine bits each, least significant first: clear (256), then 258, which nothing defines.
  const codes = 256 | 258 << 9;
  assertStrictEquals(
    rejection(new Uint8Array([codes & 255, codes >> 8 & 255, codes >> 16, 0])),
    "bad_compression",
  );
});
