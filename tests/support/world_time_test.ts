import { assertEquals } from "@std/assert";
import { promisesSettled, Schedule, SeededRandom } from "./world_time.ts";

/** Settles after `length` turns of the microtask queue. */
async function chain(length: number): Promise<void> {
  for (let turn = 0; turn < length; turn++) await null;
}

Deno.test("all promises settle, however long their chain, and from wherever they are awaited", async () => {
  const settled: number[] = [];
  const lengths = [1, 1_000, 100_000];
  const check = async () => {
    settled.length = 0;
    for (const length of lengths) void chain(length).then(() => settled.push(length));
    await promisesSettled();
    assertEquals(settled, lengths);
  };
  // At first not in a microtask, then in one.
  await check();
  await check();
  await new Promise((resolve) => setTimeout(() => resolve(check()), 0));
  await new Promise<void>((resolve) => queueMicrotask(() => resolve(check())));
});

Deno.test("an event has all its consequences before the next one", async () => {
  const schedule = new Schedule();
  const happened: string[] = [];
  schedule.after(5, () => void chain(1_000).then(() => happened.push(`first ${schedule.nowMs}`)));
  schedule.after(5, () => happened.push(`second ${schedule.nowMs}`));
  await schedule.passSettled(10);
  assertEquals(happened, ["first 5", "second 5"]);
});

Deno.test("events run in the order of their time, then of their planning, far ones too", () => {
  const schedule = new Schedule();
  const random = new SeededRandom(1);
  const expected: [number, number][] = [];
  const happened: [number, number][] = [];
  for (let number = 0; number < 2_000; number++) {
    const atMs = random.below(100) * 137;
    expected.push([atMs, number]);
    schedule.after(atMs, () => happened.push([schedule.nowMs, number]));
  }
  while (schedule.pending > 0) schedule.pass(random.below(900));
  assertEquals(happened, expected.sort(([a, first], [b, second]) => a - b || first - second));
});

Deno.test("a cancelled event does not run, and an event may plan others for the same time", () => {
  const schedule = new Schedule();
  const happened: string[] = [];
  const cancels = [10, 10_000].map((ms) => schedule.after(ms, () => happened.push("cancelled")));
  schedule.after(20_000, () => {
    schedule.after(0, () => happened.push("inner"));
    happened.push("outer");
  });
  for (const cancel of cancels) cancel();
  assertEquals(schedule.pending, 1);
  schedule.pass(30_000);
  for (const cancel of cancels) cancel();
  assertEquals([happened, schedule.pending, schedule.nowMs], [["outer", "inner"], 0, 30_000]);
});
