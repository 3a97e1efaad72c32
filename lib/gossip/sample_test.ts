import { assert, assertEquals } from "@std/assert";
import { draw, sample } from "./sample.ts";

Deno.test("samples: as many as asked for, none twice, each as likely", () => {
  let state = 1;
  const random = {
    next: () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647,
    bytes: (length: number) => new Uint8Array(length),
  };
  const drawn = new Map<number, number>();
  for (let round = 0; round < 3_000; round++) {
    const some = sample([0, 1, 2, 3, 4], { count: 2, random });
    assertEquals(new Set(some).size, 2);
    for (const item of some) drawn.set(item, (drawn.get(item) ?? 0) + 1);
  }
  for (const count of drawn.values()) assert(count > 1_000 && count < 1_400, `${count}`);
  assertEquals(sample([1, 2], { count: 5, random }).sort(), [1, 2]);
  assertEquals(sample([], { count: 5, random }), []);
});

Deno.test("a draw makes the pool itself the sample, and a sample leaves it alone", () => {
  const random = { next: () => 0.999, bytes: (length: number) => new Uint8Array(length) };
  const pool = [1, 2, 3, 4];
  const some = sample(pool, { count: 2, random });
  assertEquals([some, pool], [[4, 1], [1, 2, 3, 4]]);
  assert(draw(pool, { count: 2, random }) === pool);
  assertEquals(pool, [4, 1]);
  assertEquals(draw(pool, { count: 0, random }), []);
});
