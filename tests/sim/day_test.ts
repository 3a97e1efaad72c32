/** An hour of churn; `tests/endurance/day_test.ts` has the whole day. */
import { assertEquals, assertGreater } from "@std/assert";
import { dayCommand, runDay } from "./day.ts";

Deno.test("an hour of 100 nodes that crash, restart, leave and join: each batch runs once, and its origin gets each result", async () => {
  const options = { seed: 1, nodes: 100, minutes: 60, expiresMinutes: 30 };
  const { violations, stayed, late, restarts, leaves, joins } = await runDay(options);
  assertEquals(violations, [], `again with: ${dayCommand(options)}`);
  assertGreater(stayed, 2_000);
  assertGreater(late, 500);
  assertGreater(Math.min(restarts, 2 * leaves, 2 * joins), 25);
});

Deno.test("the same seed gives the same hour, another one another", async () => {
  const run = async (seed: number): Promise<string> => {
    const { peakBytes: _, hours: __, ...figures } = await runDay({
      ...{ seed, nodes: 20, minutes: 5, expiresMinutes: 5 },
    });
    return JSON.stringify(figures);
  };
  const first = await run(1);
  assertEquals(await run(1), first);
  assertGreater(Number(await run(2) !== first), 0);
});
