import { assertEquals } from "@std/assert";
import { checkBatch, testId } from "../../tests/support/batches.ts";
import { finished } from "../../tests/support/journal_disk.ts";
import { VirtualTime } from "../../tests/support/virtual_time.ts";
import type { StoreError } from "../errors.ts";
import { HISTORY_MAX_BATCHES, OWN_REPORTS_MAX_BYTES } from "../limits.ts";
import { type JournalRecord, MemoryBatchStore } from "./batch_store.ts";

const REPORT = new Uint8Array([1]);

function report(number: number, bytes = REPORT): JournalRecord {
  return finished(checkBatch({ id: testId(number) }), bytes);
}

Deno.test("memory: done is called later, in order, and never after close", async () => {
  const time = new VirtualTime();
  const store = new MemoryBatchStore({ timers: time });
  const answers: [number, StoreError | undefined][] = [];
  for (const number of [1, 2]) store.keep(report(number), (error) => answers.push([number, error]));
  store.keep(report(3));
  assertEquals([answers.length, time.pending], [0, 2]);
  await time.pass(0);
  assertEquals(answers, [[1, undefined], [2, undefined]]);
  store.keep(report(4), (error) => answers.push([4, error]));
  store.close();
  await time.pass(1_000);
  assertEquals([answers.length, time.pending], [2, 0]);
});

Deno.test("memory: a report is found at once, and the oldest are evicted by number and by size", () => {
  const store = new MemoryBatchStore({ timers: new VirtualTime() });
  const kept = (...numbers: number[]) =>
    numbers.filter((number) => store.report(testId(number)) !== undefined);
  store.keep(report(0));
  assertEquals(store.report(testId(0)), REPORT);
  for (let number = 1; number < HISTORY_MAX_BATCHES; number++) store.keep(report(number));
  assertEquals(kept(0, 1), [0, 1]);
  store.keep(report(HISTORY_MAX_BATCHES));
  assertEquals(kept(0, 1, HISTORY_MAX_BATCHES), [1, HISTORY_MAX_BATCHES]);
  const large = new Uint8Array(OWN_REPORTS_MAX_BYTES - 1);
  store.keep(report(HISTORY_MAX_BATCHES + 1, large));
  assertEquals(
    kept(1, HISTORY_MAX_BATCHES - 1, HISTORY_MAX_BATCHES, HISTORY_MAX_BATCHES + 1),
    [HISTORY_MAX_BATCHES, HISTORY_MAX_BATCHES + 1],
  );
});
