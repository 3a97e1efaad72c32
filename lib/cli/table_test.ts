import { assertEquals } from "@std/assert";
import { table } from "./table.ts";

function rendered(names: readonly string[], color = false): string {
  const rows = names.map((text) => [{ text, style: "red" as const }, { text: "" }, { text: "up" }]);
  return table(["node", "empty in every row", "state"], { rows, color });
}

Deno.test("columns are aligned by terminal width", () => {
  const cases: [string, string][] = [
    ["web-1", "web-1     "],
    ["日本語", "日本語    "], // wide: 2 columns each
    ["한국", "한국      "],
    ["ｗｅｂ", "ｗｅｂ    "], // full-width forms
    ["ｶﾅ", "ｶﾅ        "], // half-width forms
    ["👍👍", "👍👍      "], // emoji
    ["👍🏽", "👍🏽        "], // with a skin tone
    ["🇩🇪", "🇩🇪        "], // a flag of two letters
    ["e\u0301te\u0301", "e\u0301te\u0301       "], // combining accents take no column
    ["größe", "größe     "],
  ];
  const lines = cases.map(([, cell]) => `${cell}  up\n`);
  assertEquals(
    rendered([...cases.map(([name]) => name), "ten-column"]),
    [
      "node        state\n",
      ...lines,
      "ten-column  up\n",
    ].join(""),
  );
});

Deno.test("colors do not count as width", () => {
  assertEquals(
    rendered(["日本", "web-1"], true),
    "\x1b[1mnode\x1b[0m   \x1b[1mstate\x1b[0m\n" +
      "\x1b[31m日本\x1b[0m   up\n" +
      "\x1b[31mweb-1\x1b[0m  up\n",
  );
});

Deno.test("a cell wider than 60 columns moves only its own row", () => {
  for (const long of ["x".repeat(61), "日".repeat(31)]) {
    assertEquals(
      rendered([long, "a"]),
      `node${" ".repeat(58)}state\n${long}  up\na${" ".repeat(61)}up\n`,
    );
  }
});
