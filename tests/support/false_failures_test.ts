import { assertAlmostEquals } from "@std/assert";
import { chanceOfAsMany } from "./false_failures.ts";

Deno.test("the probability of at least as many failures is the upper tail of a binomial distribution", () => {
  const cases: readonly (readonly [number, number, number, number])[] = [
    // ours, others, share of ours, chance
    [0, 0, 0.5, 1],
    [0, 10, 0.5, 1],
    [1, 0, 0.5, 0.5],
    [2, 0, 0.5, 0.25],
    [1, 1, 0.5, 0.75],
    [3, 0, 0.25, 1 / 64],
    [4, 14, 0.25, 0.694],
    [10, 8, 0.25, 0.0054],
  ];
  for (const [ours, others, share, chance] of cases) {
    assertAlmostEquals(chanceOfAsMany({ ours, others, share }), chance, 0.0005);
  }
});
