import { assertEquals } from "@std/assert";
import { lastLine, printableCell } from "./cell_text.ts";

Deno.test("a cell is cut by characters", () => {
  assertEquals(printableCell("x".repeat(200)), "x".repeat(200));
  assertEquals(printableCell("👍".repeat(201)), `${"👍".repeat(199)}…`);
});

Deno.test("the last line of an output is the last that is not blank", () => {
  const cases: [string, string][] = [
    ["", ""],
    ["one", "one"],
    ["one\ntwo\n\n  \n", "two"],
    ["10%\r20%\r100% \r\n", "100%"],
  ];
  for (const [output, expected] of cases) assertEquals(lastLine(output), expected);
});
