import { assert, assertEquals } from "@std/assert";
import { checkBatch, testId } from "../../tests/support/batches.ts";
import {
  accepted,
  Disk,
  finished,
  HOUR_MS,
  hourBatch,
  settled,
} from "../../tests/support/journal_disk.ts";
import { newBatchId } from "../batch/id.ts";
import type { MemberProgress } from "../batch/progress.ts";
import type { JournalRecord } from "./batch_store.ts";

const NO_RANDOM = { next: () => 0, bytes: (length: number) => new Uint8Array(length) };

Deno.test("an accepted batch is restored after a restart, older by the time that passed", async () => {
  using disk = new Disk();
  const batch = hourBatch(1);
  await disk.keep(disk.boot(), accepted(1));
  disk.wallMs += 7_000;
  const restored = disk.boot().restored();
  assertEquals([...restored.seen], [batch.id]);
  assertEquals([...restored.batches], [
    { batch, ageMs: 7_005, cancelled: false, released: true },
  ]);
});

Deno.test("a batch that expired while the node was down is deleted, its id is kept", async () => {
  using disk = new Disk();
  await disk.keep(disk.boot(), accepted(1));
  disk.wallMs += HOUR_MS;
  assertEquals([...disk.boot().restored().batches], []);
  disk.wallMs -= HOUR_MS;
  assertEquals([...disk.boot().restored().batches], []);
  assertEquals([...disk.boot().restored().seen], [hourBatch(1).id]);
});

Deno.test("all ids are restored, in order", () => {
  using disk = new Disk();
  disk.transaction(() => {
    for (let number = 0; number < 25_000; number++) {
      disk.run("INSERT INTO seen (id) VALUES (?)", testId((number * 7) % 25_000));
    }
  });
  const seen = [...disk.boot().restored().seen];
  assertEquals(seen.length, 25_000);
  assertEquals(
    seen.slice(9_998, 10_002),
    [9_998, 9_999, 10_000, 10_001].map((number) => testId((number * 7) % 25_000)),
  );
});

Deno.test("old, too many or too large results are deleted, the oldest first; reports that are not settled are kept", async () => {
  using disk = new Disk();
  disk.wallMs = 100 * 24 * HOUR_MS;
  const journal = disk.boot();
  const issuedAt = (day: number) =>
    checkBatch({ id: newBatchId({ wallMs: day * 24 * HOUR_MS, random: NO_RANDOM }) });
  const large = new Uint8Array(40 * 1024 * 1024);
  const days = [58, 59, 72, 73, 74, 90];
  // The first two are too old, and one of them is not settled; three of the other four fit.
  for (const day of days) {
    const batch = issuedAt(day);
    await disk.keep(
      journal,
      accepted(1, { batch, collection: { members: ["n1"] } }),
      finished(batch, day < 60 ? new Uint8Array(1) : large),
      ...day === 59 ? [] : [settled(batch)],
    );
  }
  const rebooted = disk.boot();
  const kept = days.filter((day) => rebooted.report(issuedAt(day).id) !== undefined);
  assertEquals(kept, [59, 73, 74, 90]);
  const collections = [...rebooted.restored().collections].map(({ batchId }) => batchId);
  assertEquals(collections, [72, 73, 74, 90].map((day) => issuedAt(day).id));
});

Deno.test("a clock that is years ahead does not delete results", async () => {
  using disk = new Disk();
  const batch = hourBatch(1);
  await disk.keep(
    disk.boot(),
    accepted(1),
    finished(batch, new Uint8Array(1)),
    settled(batch),
  );
  disk.wallMs = 100 * 365 * 24 * HOUR_MS;
  assert(disk.boot().report(batch.id) !== undefined);
});

Deno.test("a clock that was set back does not lower the age of a batch", async () => {
  using disk = new Disk();
  await disk.keep(disk.boot(), accepted(1));
  disk.wallMs -= 7_000;
  assertEquals([...disk.boot().restored().batches][0]?.ageMs, 5);
});

Deno.test("an expired batch is deleted, its id is kept", async () => {
  using disk = new Disk();
  await disk.keep(disk.boot(), accepted(1), { type: "expired", batchId: testId(1) });
  const restored = disk.boot().restored();
  assertEquals([...restored.seen].length, 1);
  assertEquals([...restored.batches], []);
});

Deno.test("a cancelled batch is restored as cancelled, a released one as released", async () => {
  using disk = new Disk();
  const journal = disk.boot();
  await disk.keep(
    journal,
    accepted(1, { targeted: false }),
    { type: "cancelled", batchId: testId(1) },
    accepted(2, { targeted: false }),
  );
  assertEquals(
    [...journal.restored().batches].map(({ cancelled, released }) => [cancelled, released]),
    [[true, false], [false, false]],
  );
  assertEquals(disk.boot().interrupted, 0, "neither batch runs on this node");
  await disk.keep(journal, { type: "released", batch: hourBatch(2) });
  assertEquals([...journal.restored().batches][1]?.released, true);
});

Deno.test("the collected progress of an origin is restored, in the order of its members", async () => {
  using disk = new Disk();
  const journal = disk.boot();
  const rollout = { stageSize: 2, maxFailures: 0 };
  const batch = checkBatch({ ...hourBatch(1), held: true });
  const members = ["c", "a", "b", "d"];
  await disk.keep(
    journal,
    accepted(1, { batch, targeted: false, collection: { members, rollout } }),
  );
  const progress = (node: string, progress: MemberProgress): JournalRecord => ({
    ...{ type: "progress", batchId: batch.id },
    ...{ node, progress },
  });
  const changes = [
    progress("a", { state: "running" }),
    progress("a", { state: "done", passed: true, report: new Uint8Array([1]) }),
    progress("b", { state: "unreached", memberState: "dead" }),
    progress("d", { state: "skipped", reason: "rollout_stopped" }),
    progress("late", { state: "pending" }),
  ];
  assertEquals(
    await disk.keep(journal, ...changes),
    changes.map(({ type }) => ({ type, failure: undefined })),
    "a report is acknowledged only when it is on the disk",
  );
  assertEquals(disk.commits, ["waited for", "waited for"]);
  const [collection] = disk.boot().restored().collections;
  assert(collection !== undefined);
  assertEquals(collection.target, batch.target);
  assertEquals([collection.held, collection.rollout], [true, rollout]);
  assertEquals([...collection.members], [
    ["c", { state: "pending" }],
    ["a", { state: "done", passed: true, report: new Uint8Array([1]) }],
    ["b", { state: "unreached", memberState: "dead" }],
    ["d", { state: "skipped", reason: "rollout_stopped" }],
    ["late", { state: "pending" }],
  ]);
  disk.commits.length = 0;
  journal.keep(progress("c", { state: "running" }));
  await disk.time.pass(0);
  assertEquals(disk.commits, ["lazy"], "progress that a crash may lose is written lazily");
  await disk.keep(
    journal,
    { type: "results_forgotten", batchId: batch.id },
    progress("a", { state: "pending" }),
  );
  assertEquals([...disk.boot().restored().collections], []);
});

Deno.test("a roll-out without a maximum of failures is restored without one", async () => {
  using disk = new Disk();
  const rollout = { stageSize: 2, maxFailures: Infinity };
  await disk.keep(disk.boot(), accepted(1, { collection: { members: ["a"], rollout } }));
  const [collection] = disk.boot().restored().collections;
  assertEquals(collection?.rollout, rollout);
});
