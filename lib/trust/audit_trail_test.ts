import { assertEquals, assertThrows } from "@std/assert";
import { checkBatch, testId } from "../../tests/support/batches.ts";
import { VirtualTime } from "../../tests/support/virtual_time.ts";
import { type BatchBody, encodeBody, readBody, summaryOf } from "../batch/body.ts";
import type { ActionEnd, Check, CheckResult } from "../batch/check.ts";
import type { KeyOperation } from "../batch/key_operation.ts";
import { HostError } from "../errors.ts";
import { AUDIT_REFUSALS_PER_MINUTE } from "../limits.ts";
import type { AuditRecord } from "./audit.ts";
import { AuditTrail } from "./audit_trail.ts";

const CHECK: Check = {
  name: "a",
  type: "file_exists",
  fields: { path: "/a" },
  action: "mend a",
  actionTimeoutMs: 1000,
};
const BATCH = checkBatch({ body: encodeBody({ type: "checks", checks: [CHECK] }) });
const OF_BATCH = { batch: testId(1), origin: "origin" };
const CHECKS = { type: "checks", names: ["a"] } as const;
const ACCEPTED = { runsHere: true, summary: CHECKS };

function refused(batchId: string) {
  return { type: "batch_refused", batchId, origin: "o", from: "f", reason: "why" } as const;
}

function bench(options: { signer?: string; file?: "none" } = {}) {
  const time = new VirtualTime();
  const records: AuditRecord[] = [];
  const logged: string[] = [];
  const disk = { full: false };
  const note = (text: string) => {
    if (disk.full) throw new HostError("audit log f: no space");
    logged.push(text);
  };
  const file = {
    record(record: AuditRecord) {
      if (disk.full) throw new HostError("audit log f: no space");
      records.push(record);
    },
    reopen: () => note("reopened"),
    close: () => note("closed"),
  };
  const trail = new AuditTrail({
    file: options.file === "none" ? undefined : file,
    signerOf: () => options.signer,
    log: { write: (...[level, event, message]) => logged.push(`${level} ${event}: ${message}`) },
    clock: time,
    timers: time,
  });
  return { trail, records, logged, disk, time };
}

function ended(end: ActionEnd): CheckResult {
  const outcome = { status: "fail", reason: "no" } as const;
  const action = { end, output: "secret", droppedBytes: 0, durationMs: 1 };
  return { check: "a", outcome, durationMs: 1, action };
}

Deno.test("a batch and its action are recorded, with the signer where there is one", () => {
  const { trail, records } = bench({ signer: "alice" });
  const of = { ...OF_BATCH, signer: "alice" };
  const action = { check: "a", command: "mend a" };
  trail.accepted(BATCH, ACCEPTED);
  trail.starting(BATCH);
  trail.actionStarting(BATCH, CHECK);
  trail.checkEnded(BATCH, { check: CHECK, result: ended({ type: "exited", code: 3 }) });
  assertEquals(records, [
    { event: "batch_accepted", ...of, runsHere: true, checks: ["a"] },
    { event: "action_started", ...of, ...action },
    { event: "action_ended", ...of, ...action, outcome: "exit 3" },
  ]);
});

Deno.test("every end of an action has its word, and a check without one has no record", () => {
  const cases: [ActionEnd, string, string][] = [
    [{ type: "exited", code: 0 }, "action_ended", "exit 0"],
    [{ type: "signaled", signal: "SIGKILL" }, "action_ended", "signal SIGKILL"],
    [{ type: "timed_out" }, "action_ended", "timed out"],
    [{ type: "aborted" }, "action_ended", "aborted"],
    [{ type: "interrupted" }, "action_ended", "interrupted"],
    [{ type: "refused", reason: "policy" }, "action_refused", "policy"],
  ];
  for (const [end, event, outcome] of cases) {
    const { trail, records } = bench();
    trail.checkEnded(BATCH, { check: CHECK, result: ended(end) });
    const action = { check: "a", command: "mend a" };
    assertEquals(records, [{ event, ...OF_BATCH, ...action, outcome } as AuditRecord]);
  }
  const { trail, records } = bench();
  const result: CheckResult = { check: "a", outcome: { status: "pass" }, durationMs: 1 };
  trail.checkEnded(BATCH, { check: CHECK, result });
  assertEquals(records, []);
});

/** The record of a batch with this body. */
function recordOf(body: Uint8Array, runsHere = true): AuditRecord {
  const { trail, records } = bench();
  trail.accepted(checkBatch({ body }), { runsHere, summary: summaryOf(readBody(body)) });
  assertEquals(records.length, 1);
  return records[0] as AuditRecord;
}

Deno.test("a batch of checks is recorded with all their names, in order", () => {
  const checks = ["b", "a", "c"].map((name) => ({ ...CHECK, name }));
  const body: BatchBody = { type: "checks", checks };
  const event = "batch_accepted";
  const names = ["b", "a", "c"];
  assertEquals(recordOf(encodeBody(body)), { event, ...OF_BATCH, runsHere: true, checks: names });
});

Deno.test("a change of keys is recorded by its step without the key, and what cannot be read with neither", () => {
  const event = "batch_accepted";
  const key = new Uint8Array(32).fill(65);
  const fingerprint = "0123456789abcdef";
  const operations: readonly KeyOperation[] = [
    { type: "install", key },
    { type: "use", fingerprint },
    { type: "remove", fingerprint },
    { type: "list" },
  ];
  for (const operation of operations) {
    const record = recordOf(encodeBody({ type: "keys", operation }));
    assertEquals(record, { event, ...OF_BATCH, runsHere: true, keys: operation.type });
  }
  assertEquals(recordOf(Uint8Array.of(0xc1), false), { event, ...OF_BATCH, runsHere: false });
});

Deno.test("what cannot be recorded does not run, and does once it can", () => {
  const { trail, records, logged, disk } = bench();
  disk.full = true;
  trail.accepted(BATCH, ACCEPTED);
  assertThrows(() => trail.starting(BATCH), HostError, "no space");
  assertThrows(() => trail.actionStarting(BATCH, CHECK), HostError, "no space");
  trail.checkEnded(BATCH, { check: CHECK, result: ended({ type: "exited", code: 0 }) });
  trail.refused(refused("C"));
  trail.reopen();
  const line = "error audit_failed: audit log f: no space";
  assertEquals(logged, [line, line, line, line]);
  disk.full = false;
  trail.starting(BATCH);
  trail.starting(BATCH);
  assertEquals(records, [{ event: "batch_accepted", ...OF_BATCH, runsHere: true, checks: ["a"] }]);
});

Deno.test("a flood of refused batches is counted, and no count is lost", async () => {
  const { trail, records, time, logged } = bench();
  const sum = () =>
    records.reduce((total, record) => total + ("count" in record ? record.count : 1), 0);
  for (let count = 0; count < 1000; count++) trail.refused(refused(`A${count}`));
  assertEquals(records.length, AUDIT_REFUSALS_PER_MINUTE);
  await time.pass(60_000);
  assertEquals(records.at(-1), { event: "batches_refused", count: 940, reason: "why" });
  assertEquals(sum(), 1000);
  for (let count = 0; count < 100; count++) trail.refused(refused(`B${count}`));
  assertEquals(records.length, 2 * AUDIT_REFUSALS_PER_MINUTE + 1);
  trail.close();
  assertEquals(sum(), 1100);
  assertEquals(logged, ["closed"]);
  assertEquals(time.pending, 0);
});

Deno.test("refusals that are far apart are all told", async () => {
  const { trail, records, time } = bench();
  for (let count = 0; count < 200; count++) {
    trail.refused(refused(`A${count}`));
    await time.pass(2_000);
  }
  assertEquals(records.length, 200);
});

Deno.test("without a file everything runs and nothing is recorded", () => {
  const { trail, logged } = bench({ file: "none" });
  trail.accepted(BATCH, ACCEPTED);
  trail.starting(BATCH);
  trail.actionStarting(BATCH, CHECK);
  trail.checkEnded(BATCH, { check: CHECK, result: ended({ type: "aborted" }) });
  trail.refused(refused("C"));
  trail.reopen();
  trail.close();
  assertEquals(logged, []);
});
