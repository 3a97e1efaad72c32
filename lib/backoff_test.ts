import { assertEquals } from "@std/assert";
import { backoffMs, withJitter } from "./backoff.ts";

const at = (next: number) => ({ next: () => next });

Deno.test("jitter takes or adds a quarter at most, and nothing on average", () => {
  assertEquals([0, 0.5, 1].map((next) => withJitter(1_000, at(next))), [750, 1_000, 1_250]);
});

Deno.test("a delay doubles with each attempt up to its maximum, however many there are", () => {
  const delays = [0, 1, 2, 3, 4, 5, 1_000_000].map((attempt) =>
    backoffMs({ attempt, firstMs: 2_000, maxMs: 60_000, random: at(0.5) })
  );
  assertEquals(delays, [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  assertEquals(backoffMs({ attempt: 9, firstMs: 1, maxMs: 100, random: at(1) }), 125);
});
