import { assert, assertEquals } from "@std/assert";
import { checkBatch, testId } from "../../tests/support/batches.ts";
import {
  accepted,
  actingCheck,
  Disk,
  finished,
  hourBatch,
  settled,
} from "../../tests/support/journal_disk.ts";
import { encodeBody } from "../batch/body.ts";
import type { CheckResult } from "../batch/check.ts";
import { decodeReport, encodeReport, type Report } from "../batch/report.ts";

const RESULT: CheckResult = { check: "a", outcome: { status: "pass" }, durationMs: 3 };
const REPORT = encodeReport({ type: "checks", results: [RESULT] });
const UNDECIDED = {
  status: "skipped",
  reason: "the node went down before this check was decided; it is not run again",
} as const;

Deno.test("the records of one turn of the event loop are written in one transaction, and done is called in order", async () => {
  using disk = new Disk();
  const journal = disk.boot();
  assertEquals(disk.time.pending, 0, "a journal without records starts no timer");
  const records = [accepted(1), accepted(2), finished(hourBatch(1), REPORT), accepted(3)];
  assertEquals(
    await disk.keep(journal, ...records),
    records.map(({ type }) => ({ type, failure: undefined })),
  );
  assertEquals(disk.commits, ["waited for"]);
  await disk.keep(journal, accepted(4));
  assertEquals([disk.commits.length, disk.time.pending], [2, 0]);
  const { batches } = disk.boot().restored();
  assertEquals([...batches].map(({ batch }) => batch.id), [1, 2, 3, 4].map(testId));
});

Deno.test("a record without done is written lazily, or with the next record that has one", async () => {
  using disk = new Disk();
  const journal = disk.boot();
  journal.keep(accepted(1));
  assertEquals(disk.commits, []);
  await disk.time.pass(0);
  assertEquals(disk.commits, ["lazy"]);
  journal.keep(accepted(2));
  await disk.keep(journal, accepted(3));
  assertEquals(disk.commits, ["lazy", "waited for"]);
  assertEquals([...disk.boot().restored().batches].length, 3);
});

Deno.test("if the transaction fails, each record is written by itself; only the bad ones get the error, which is logged once", async () => {
  using disk = new Disk();
  const journal = disk.boot();
  disk.bad.add(testId(2));
  const records = [
    accepted(1),
    accepted(2),
    { type: "cancelled", batchId: testId(1) },
    { type: "cancelled", batchId: testId(2) },
    accepted(3),
  ] as const;
  const failures = (await disk.keep(journal, ...records)).map(({ failure }) => failure);
  const failure = `bad block under ${testId(2)}`;
  assertEquals(failures, [undefined, failure, undefined, failure, undefined]);
  assertEquals(disk.logged, [`error store_failed: ${failure}`]);
  assertEquals(
    [...disk.boot().restored().batches].map(({ batch, cancelled }) => [batch.id, cancelled]),
    [[testId(1), true], [testId(3), false]],
  );
});

Deno.test("while the disk is full every record gets the error, and a later record is written", async () => {
  using disk = new Disk();
  const journal = disk.boot();
  disk.full = true;
  const records = [accepted(1), finished(hourBatch(1), REPORT)];
  const failure = "the disk is full";
  assertEquals(
    await disk.keep(journal, ...records),
    records.map(({ type }) => ({ type, failure })),
  );
  journal.keep(accepted(2));
  await disk.time.pass(0);
  const line = `error store_failed: ${failure}`;
  assertEquals(disk.logged, [line, line], "once per turn");
  disk.full = false;
  assertEquals(await disk.keep(journal, accepted(3)), [{ type: "accepted", failure: undefined }]);
  assertEquals([...disk.boot().restored().seen], [testId(3)]);
});

Deno.test("close writes the waiting records and calls no done", async () => {
  using disk = new Disk();
  const journal = disk.boot();
  const answered: string[] = [];
  journal.keep(accepted(1), () => answered.push("durable"));
  journal.keep(accepted(2));
  journal.close();
  await disk.time.pass(1_000);
  assertEquals([answered, disk.time.pending, disk.commits], [[], 0, ["waited for"]]);
  assertEquals([...disk.boot().restored().seen], [1, 2].map(testId));
  const failing = disk.boot();
  failing.keep(accepted(3), () => answered.push("failed"));
  disk.full = true;
  failing.close();
  assertEquals([answered, disk.logged], [[], ["error store_failed: the disk is full"]]);
});

Deno.test("a report is found before and after it is written", async () => {
  using disk = new Disk();
  const journal = disk.boot();
  journal.keep(finished(hourBatch(1), REPORT));
  assertEquals(journal.report(testId(1)), REPORT);
  assertEquals(journal.report(testId(2)), undefined);
  assertEquals(disk.commits, []);
  await disk.time.pass(0);
  assertEquals([journal.report(testId(1)), disk.commits], [REPORT, ["lazy"]]);
});

Deno.test("a released batch whose acceptance could not be recorded is not run again after a restart", async () => {
  using disk = new Disk();
  const journal = disk.boot();
  disk.full = true;
  await disk.keep(journal, accepted(1, { targeted: false }));
  disk.full = false;
  await disk.keep(journal, { type: "released", batch: hourBatch(1) });
  const rebooted = disk.boot();
  assertEquals(rebooted.interrupted, 1);
  assertEquals([...rebooted.restored().seen], [testId(1)]);
});

Deno.test("after a crash, ended checks keep their result, started actions are interrupted, the others are skipped", async () => {
  using disk = new Disk();
  const batch = hourBatch(1, [
    actingCheck("ended"),
    actingCheck("started"),
    actingCheck("waiting"),
  ]);
  const ended: CheckResult = { ...RESULT, check: "ended" };
  await disk.keep(
    disk.boot(),
    accepted(1, { batch }),
    { type: "check_ended", batchId: batch.id, result: ended },
    { type: "action_starting", batchId: batch.id, check: "started" },
  );

  const rebooted = disk.boot();
  assertEquals(rebooted.interrupted, 1);
  const [report, ...others] = rebooted.restored().reports;
  assert(report !== undefined && others.length === 0);
  assertEquals([report.batchId, report.origin, report.passed], [batch.id, batch.origin, false]);
  const decoded = decodeReport(report.report);
  assert(decoded.type === "checks");
  const { results } = decoded;
  assertEquals(results[0], ended);
  assertEquals(results.map(({ outcome, action }) => [outcome.status, action?.end.type]), [
    ["pass", undefined],
    ["fail", "interrupted"],
    ["skipped", undefined],
  ]);
  assertEquals(disk.boot().interrupted, 0, "the next start finds no interrupted run");
});

const INTERRUPTED: readonly { name: string; body: Uint8Array; expected: Report }[] = [
  {
    name: "a batch that this node cannot read does not prevent its start",
    body: new Uint8Array([0xc1]),
    expected: { type: "batch", outcome: UNDECIDED },
  },
  {
    name: "a key operation that was interrupted is reported as skipped",
    body: encodeBody({ type: "keys", operation: { type: "list" } }),
    expected: { type: "keys", outcome: UNDECIDED },
  },
];

for (const { name, body, expected } of INTERRUPTED) {
  Deno.test(name, async () => {
    using disk = new Disk();
    await disk.keep(disk.boot(), accepted(1, { batch: checkBatch({ body }) }));
    const [report] = disk.boot().restored().reports;
    assertEquals(decodeReport(report?.report ?? new Uint8Array()), expected);
  });
}

Deno.test("a report stays in the outbox until it is settled, and can be read after that", async () => {
  using disk = new Disk();
  const journal = disk.boot();
  const batch = hourBatch(1);
  await disk.keep(journal, accepted(1), finished(batch, REPORT));
  assertEquals([...disk.boot().restored().reports], [
    { batchId: batch.id, origin: batch.origin, passed: true, report: REPORT },
  ]);
  await disk.keep(journal, settled(batch));
  const rebooted = disk.boot();
  assertEquals([...rebooted.restored().reports], []);
  assertEquals(rebooted.report(batch.id), REPORT);
  assertEquals(rebooted.report(testId(2)), undefined);
});
