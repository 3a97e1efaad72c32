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

function refusal(input: Uint8Array, limitBytes = 1 << 20): string {
  return assertThrows(() => decompressLzw(input, { limitBytes }), WireError).reason;
}

Deno.test("what is compressed comes back", () => {
  for (const input of INPUTS) {
    const compressed = compressLzw(input);
    assertEquals(decompressLzw(compressed, { limitBytes: input.length }), input);
  }
});

Deno.test("repetition is made small", () => {
  assertLess(compressLzw(new Uint8Array(100_000)).length, 1000);
});

Deno.test("every truncation is refused", () => {
  const compressed = compressLzw(INPUTS[2]!);
  for (let length = 0; length < compressed.length; length++) {
    assertStrictEquals(refusal(compressed.subarray(0, length)), "bad_compression");
  }
});

Deno.test("what follows the end code is ignored", () => {
  const compressed = new Uint8Array([...compressLzw(INPUTS[2]!), 1, 2, 3]);
  assertEquals(decompressLzw(compressed, { limitBytes: 100 }), INPUTS[2]);
});

Deno.test("more than the limit is refused, as much as the limit is not", () => {
  const bomb = compressLzw(new Uint8Array(1_000_000));
  assertLess(bomb.length, 3000);
  assertStrictEquals(decompressLzw(bomb, { limitBytes: 1_000_000 }).length, 1_000_000);
  for (const limit of [0, 1, 15, 4096, 999_999]) {
    assertStrictEquals(refusal(bomb, limit), "too_large");
  }
});

Deno.test("a code that is not known yet is refused", () => {
  // Nine bits each, least significant first: clear (256), then 258 with nothing before it.
  const codes = 256 | 258 << 9;
  assertStrictEquals(
    refusal(new Uint8Array([codes & 255, codes >> 8 & 255, codes >> 16, 0])),
    "bad_compression",
  );
});
