import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8, truncateUtf8 } from "./utf8.ts";

const TEXTS = ["", "node-7", "é", "a".repeat(32), "a".repeat(33), "ü".repeat(40), "\ufeffx", "🦕"];

Deno.test("every text comes back as it was, in the platform's own bytes", () => {
  for (const text of TEXTS) {
    assertEquals(encodeUtf8(text), new TextEncoder().encode(text));
    assertEquals(decodeUtf8(encodeUtf8(text)), text);
  }
});

Deno.test("bytes that are no UTF-8 have no text", () => {
  for (const bytes of [[0xff], [0x61, 0xc3], [0xed, 0xa0, 0x80], Array(40).fill(0x80)]) {
    assertEquals(decodeUtf8(Uint8Array.from(bytes)), undefined);
  }
});

Deno.test("text is cut between characters", () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ["abc", 3, "abc"],
    ["abcd", 3, "abc"],
    ["aé", 2, "a"],
    ["aé", 3, "aé"],
    ["😀😀", 7, "😀"],
    ["é", 1, ""],
    ["\ufeffab", 4, "\ufeffa"],
  ];
  for (const [text, maximumBytes, expected] of cases) {
    const { text: cut, droppedBytes } = truncateUtf8(text, maximumBytes);
    assertEquals(cut, expected);
    const lengths = [text, cut].map((one) => new TextEncoder().encode(one).length);
    assertEquals(droppedBytes, (lengths[0] ?? 0) - (lengths[1] ?? 0));
  }
});
