import { assertEquals } from "@std/assert";
import { describeMutation, mutantsOf, mutate } from "./mutant.ts";
import { type Mutation, OPERATORS } from "./mutations.ts";
import { plugin } from "./plugin.ts";

function mutationsOf(text: string): Mutation[] {
  return Deno.lint.runPlugin(plugin, "lib/a.ts", text).map(({ message }) => JSON.parse(message))
    .toSorted((a, b) => a.offset - b.offset);
}

/** What becomes of a source: one text for each mutant. */
function mutated(text: string): string[] {
  return mutationsOf(text).map((mutation) => mutate(text, mutation));
}

const CHANGED: Readonly<Record<string, readonly string[]>> = {
  "a < b;": ["a <= b;"],
  "a === b;": ["a !== b;"],
  "a && b || c;": ["a || b || c;", "a && b && c;"],
  "a ?? b;": ["a && b;"],
  "a + b;": ["a - b;"],
  "(a + b) /* < */ * (c);": ["(a - b) /* < */ * (c);", "(a + b) /* < */ / (c);"],
  "(a) // > b\n  < (b);": ["(a) // > b\n  <= (b);"],
  "a += b;": ["a -= b;"],
  "a++;": ["a--;"],
  "--a;": ["++a;"],
  "!a;": ["a;"],
  "f(-a);": ["f(+a);"],
  "f(true, false);": ["f(false, false);", "f(true, true);"],
  "a = 7;": ["a = 8;", "a = 6;"],
  "a = 0;": ["a = 1;", "a = (-1);"],
  "a = 1_000;": ["a = 1001;", "a = 999;"],
  "a = 0xff;": ["a = 256;", "a = 254;"],
  "a = 2n;": ["a = 3n;", "a = 1n;"],
  "a = 1e300;": [],
  "`${a < b}`;": ["`${a <= b}`;"],
  "const o = { [4]: a };": ["const o = { [5]: a };", "const o = { [3]: a };"],
  'f("ü😀", !a);': ['f("ü😀", a);'],
};

const UNCHANGED: readonly string[] = [
  "// a < b && true",
  "/* 1 + 2 */",
  '"a < b && true + 1";',
  "`a < b && true`;",
  "/1+2/;",
  'import { a } from "./1+2.ts";',
  'import a from "./a.json" with { type: "json" };',
  'export { a } from "./1.ts";',
  "type A = 1 | true | -2;",
  "interface A { a: 1; b: A extends 2 ? true : false }",
  "let a: Map<1, true>;",
  "f<1>(a);",
  "f(a as 1);",
  "enum A { B = 1 }",
  "({ 1: a });",
  "class A { 1: unknown; 2() {} }",
  'a + "b";',
  'a + "b" + c;',
  "a + `b`;",
  'a += "b";',
  "a ?? b ?? c;",
  "a = b;",
  "a in b; a instanceof b; typeof a; void a;",
];

Deno.test("each token that does something is replaced, alone", () => {
  for (const [text, expected] of Object.entries(CHANGED)) assertEquals(mutated(text), expected);
});

Deno.test("types, imports, strings, comments and names are never changed", () => {
  for (const text of UNCHANGED) assertEquals(mutated(text), [], text);
});

Deno.test("every operator of the table is found", () => {
  for (const [before, after] of Object.entries(OPERATORS)) {
    const unary = before === "++" || before === "--";
    const text = unary ? `a${before};` : `a ${before} b;`;
    assertEquals(mutationsOf(text), [{ offset: unary ? 1 : 2, before, after }], before);
  }
});

Deno.test("a mutant knows its place, its line, and which of the same it is", () => {
  const text = "// ü\nif (a < b &&\n  c < d || e < f) {\n}\n";
  const mutants = mutantsOf("lib/a.ts", { text, mutations: mutationsOf(text) });
  assertEquals(
    mutants.map((one) => [one.line, one.column, describeMutation(one), one.nth, one.source]),
    [
      [2, 7, "< -> <=", 1, "if (a < b &&"],
      [2, 11, "&& -> ||", 1, "if (a < b &&"],
      [3, 5, "< -> <=", 1, "c < d || e < f) {"],
      [3, 9, "|| -> &&", 1, "c < d || e < f) {"],
      [3, 14, "< -> <=", 2, "c < d || e < f) {"],
    ],
  );
});
