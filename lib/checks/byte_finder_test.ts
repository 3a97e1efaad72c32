import { assertEquals } from "@std/assert";
import { ByteFinder } from "./byte_finder.ts";

function found(haystack: string, options: { needle: string; chunkLength: number }): boolean {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(haystack);
  const finder = new ByteFinder(encoder.encode(options.needle));
  for (let start = 0; start < bytes.length; start += options.chunkLength) {
    if (finder.push(bytes.subarray(start, start + options.chunkLength))) return true;
  }
  return false;
}

Deno.test("a needle is found for every split into chunks", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["8.8.8.8", "nameserver 8.8.8.8\n"],
    ["8.8.8.8", "8.8.8.4 8.8.88.8.8.8"],
    ["aab", "aaaaab"],
    ["abab", "abaabab"],
    ["x", "aaax"],
    ["abcabd", "abcabcabd"],
    ["aaa", "aabaaa"],
    ["é", "caf\u00e9"],
    ["needle", "missing"],
    ["aab", "aaaa"],
    ["longer than it", "longer"],
    ["ab", ""],
  ];
  for (const [needle, haystack] of cases) {
    for (let chunkLength = 1; chunkLength <= haystack.length + 1; chunkLength++) {
      const expected = haystack.includes(needle);
      assertEquals(found(haystack, { needle, chunkLength }), expected, `${needle} ${chunkLength}`);
    }
  }
});

Deno.test("the result equals String.includes for every short text of two letters", () => {
  const words = (length: number): string[] =>
    length === 0 ? [""] : words(length - 1).flatMap((word) => [`${word}a`, `${word}b`]);
  for (const needle of [...words(1), ...words(3), ...words(4)]) {
    for (const haystack of words(8)) {
      const expected = haystack.includes(needle);
      assertEquals(found(haystack, { needle, chunkLength: 3 }), expected, `${needle} ${haystack}`);
    }
  }
});
