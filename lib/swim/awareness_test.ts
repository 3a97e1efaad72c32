import { assertEquals } from "@std/assert";
import { Awareness } from "./awareness.ts";

Deno.test("the score stays within its range, and scale multiplies by the score plus one", () => {
  const subject = new Awareness({ maxMultiplier: 8 });
  const scores = [3, 2, 100, -2, -100, 1].map((delta) => {
    subject.apply(delta);
    return [subject.score, subject.scale(1_000)];
  });
  assertEquals(scores, [[3, 4_000], [5, 6_000], [7, 8_000], [5, 6_000], [0, 1_000], [1, 2_000]]);
});

Deno.test("with a multiplier of 1 the score is always 0", () => {
  const subject = new Awareness({ maxMultiplier: 1 });
  subject.apply(5);
  assertEquals([subject.score, subject.scale(1_000)], [0, 1_000]);
});
