/** Runs with faults, of as many seeds as `SIM_SEEDS` says. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { runChaos } from "./chaos.ts";

const SEEDS = Number(Deno.env.get("SIM_SEEDS") ?? 100);

Deno.test(`all conditions hold in ${SEEDS} runs with faults`, async () => {
  const bad: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const [violation] = (await runChaos(seed)).violations;
    if (violation !== undefined) bad.push(`${violation}; again with: deno task sim --seed ${seed}`);
  }
  assert(bad.length === 0, bad.join("\n"));
});

Deno.test("the same seed gives the same trace, another seed another", async () => {
  const [first, again, other] = [await runChaos(1), await runChaos(1), await runChaos(2)];
  assertEquals(again, first);
  assertNotEquals(other.trace, first.trace);
});
