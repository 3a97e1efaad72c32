import { assertEquals } from "@std/assert";
import { jsonText, printable } from "./printable.ts";

const CASES: readonly (readonly [string, string])[] = [
  ["plain größe 日本 👍", "plain größe 日本 👍"],
  ["\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"],
  ["title \x1b]0;pwned\x07", "title \\x1b]0;pwned\\x07"],
  ["a\rb\nc\td", "a\\rb\\nc d"],
  ["\u0000\u007f\u009b31m", "\\x00\\x7f\\x9b31m"],
  ["evil\u202egpj.exe", "evil\\u{202e}gpj.exe"],
  ["a\u2028b\u2066c\u200fd\ufeff", "a\\u{2028}b\\u{2066}c\\u{200f}d\\u{feff}"],
  ["tag \u{e0041}", "tag \\u{e0041}"],
  ["half \ud800 pair", "half \\u{d800} pair"],
];

Deno.test("text cannot control a terminal", () => {
  for (const [text, expected] of CASES) assertEquals(printable(text), expected);
});

Deno.test("JSON cannot control a terminal, and a parser reads it unchanged", () => {
  for (const [text] of CASES) {
    for (const indent of [0, 2]) {
      const json = jsonText({ text }, { indent });
      assertEquals(printable(json.replaceAll("\n", "")), json.replaceAll("\n", ""));
      assertEquals(JSON.parse(json), { text });
    }
  }
});
