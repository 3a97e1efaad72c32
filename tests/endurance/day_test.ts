/** A day of a large cluster in virtual time. */
import { assertEquals, assertLess } from "@std/assert";
import { dayCommand, runDay } from "../sim/day.ts";

/** Hours until every bounded table has reached its bound. */
const FULL_AFTER_HOURS = 6;

Deno.test("a day of 500 nodes under churn and loss, a batch a minute: each runs once, memory is flat", async () => {
  const options = { seed: 1, nodes: 500, minutes: 1_440, expiresMinutes: 60 };
  const { violations, hours } = await runDay(options);
  assertEquals(violations, [], `again with: ${dayCommand(options)}`);
  const bytes = hours.map(({ memoryBytes }) => memoryBytes);
  const full = Math.max(...bytes.slice(0, FULL_AFTER_HOURS));
  assertLess(Math.max(...bytes.slice(FULL_AFTER_HOURS)), 1.1 * full, `bytes by hour: ${bytes}`);
});
