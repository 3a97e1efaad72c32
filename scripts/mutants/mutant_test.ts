import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { draw, isMutated, type Mutant, mutantsOf } from "./mutant.ts";

/** A source with this many mutants, which all differ. */
function mutants(file: string, count: number): Mutant[] {
  const lines = Array.from({ length: count }, (_, index) => `a${index} < b;\n`);
  const text = lines.join("");
  const mutations = [...text.matchAll(/</g)]
    .map(({ index }) => ({ offset: index, before: "<", after: "<=" }));
  return mutantsOf(file, { text, mutations });
}

Deno.test("the same seed draws the same mutants in the same order, another seed another", () => {
  const all = mutants("lib/a.ts", 100);
  const drawn = draw(all, { seed: "1", count: 20 });
  assertEquals(draw(all.toReversed(), { seed: "1", count: 20 }), drawn);
  assertEquals(new Set(drawn).size, 20);
  assertNotEquals(draw(all, { seed: "2", count: 20 }), drawn);
});

Deno.test("a smaller count draws the first of a larger one, a larger one than there are draws all", () => {
  const all = mutants("lib/a.ts", 100);
  const drawn = draw(all, { seed: "1", count: 20 });
  assertEquals(draw(all, { seed: "1", count: 5 }), drawn.slice(0, 5));
  assertEquals(draw(all, { seed: "1", count: 1_000 }).length, 100);
});

Deno.test("another source more exchanges no mutant for another of the same source", () => {
  const one = mutants("lib/a.ts", 100);
  const before = draw(one, { seed: "1", count: 100 });
  const after = draw([...mutants("lib/b.ts", 100), ...one], { seed: "1", count: 200 });
  assertEquals(after.filter(({ file }) => file === "lib/a.ts"), before);
});

Deno.test("product code is mutated; tests, declarations and the doors to libraries are not", () => {
  for (const path of ["lib/utf8.ts", "lib/wire/lzw.ts", "lib/cli/commands/run.ts"]) {
    assert(isMutated(path), path);
  }
  for (
    const path of [
      "lib/utf8_test.ts",
      "lib/wire/wire_bench.ts",
      "lib/std/path.ts",
      "lib/std/path.d.ts",
      "main.ts",
      "scripts/print.ts",
      "tests/support/world.ts",
      "lib/a.json",
    ]
  ) assert(!isMutated(path), path);
});
