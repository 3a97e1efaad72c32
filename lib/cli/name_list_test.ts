import { assertEquals } from "@std/assert";
import { describeNames, foldNames, sortNames } from "./name_list.ts";

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}

Deno.test("names sort in natural order", () => {
  assertEquals(sortNames(["web-10", "web-2", "db", "web-1"]), ["db", "web-1", "web-2", "web-10"]);
});

Deno.test("many names are folded into ranges that contain every name", () => {
  const cases: [string[], string[]][] = [
    [[], []],
    [["b", "a", "a"], ["a", "b"]],
    [numbered("web-", 8), numbered("web-", 8)],
    [numbered("web-", 9), ["web-[1-9]"]],
    [[...numbered("web-", 12).filter((name) => name !== "web-7"), "db"], ["db", "web-[1-6,8-12]"]],
    [[...numbered("a", 7), "b1", "b2"], ["a[1-7]", "b1", "b2"]],
    [
      ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10"].map((n) => `n${n}.example`),
      ["n[01-09].example", "n10.example"],
    ],
    [["x7y", "x8y", "x9y", ...numbered("k", 6)], ["k[1-6]", "x[7-9]y"]],
    [numbered("10.0.0.1:", 9), ["10.0.0.1:[1-9]"]],
    [["n0", ...numbered("n", 8)], ["n[0-8]"]],
    [[...numbered("n", 8), "n007"], ["n[1-8]", "n007"]],
  ];
  for (const [names, expected] of cases) assertEquals(foldNames(names), expected);
});

Deno.test("a list of names is cut to the maximum length", () => {
  const options = { maxCharacters: 40 };
  assertEquals(describeNames(["a"], options), "a");
  assertEquals(describeNames(["a", "b", "c"], options), "a, b, c");
  assertEquals(describeNames(["a", "b", "c", "d"], options), "4 nodes: a, b, c, d");
  assertEquals(describeNames(numbered("web-", 5_000), options), "5000 nodes: web-[1-5000]");
  const odd = Array.from({ length: 100 }, (_, index) => `${"abcdefghij"[index % 10]}-${index}-x`);
  assertEquals(describeNames(odd, options), "100 nodes: a-[0,10,20,30,40,50,60,70,80…");
});
