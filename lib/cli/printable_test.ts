import { assertEquals } from "@std/assert";
import { lastLine, printable, printableCell } from "./printable.ts";

Deno.test("nothing that steers a terminal gets through", () => {
  const cases: [string, string][] = [
    ["plain größe 日本 👍", "plain größe 日本 👍"],
    ["\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"],
    ["title \x1b]0;pwned\x07", "title \\x1b]0;pwned\\x07"],
    ["a\rb\nc\td", "a\\rb\\nc d"],
    ["\u0000\u007f\u009b31m", "\\x00\\x7f\\x9b31m"],
    ["evil\u202egpj.exe", "evil\\u{202e}gpj.exe"],
    ["a\u2028b\u2066c\u200fd\ufeff", "a\\u{2028}b\\u{2066}c\\u{200f}d\\u{feff}"],
    ["half \ud800 pair", "half \\u{d800} pair"],
  ];
  for (const [text, expected] of cases) assertEquals(printable(text), expected);
});

Deno.test("a cell is cut by characters", () => {
  assertEquals(printableCell("x".repeat(200)), "x".repeat(200));
  assertEquals(printableCell("👍".repeat(201)), `${"👍".repeat(199)}…`);
});

Deno.test("the last line of an output is the last that says anything", () => {
  const cases: [string, string][] = [
    ["", ""],
    ["one", "one"],
    ["one\ntwo\n\n  \n", "two"],
    ["10%\r20%\r100% \r\n", "100%"],
  ];
  for (const [output, expected] of cases) assertEquals(lastLine(output), expected);
});
