import { assertEquals, assertThrows } from "@std/assert";
import { VirtualTime } from "../../tests/support/virtual_time.ts";
import { encodeChecks } from "../checks/codec.ts";
import type { ActionEnd, Check, CheckResult } from "../checks/check.ts";
import { HostError } from "../errors.ts";
import type { Batch } from "../gossip/types.ts";
import { encodeKeyOperation } from "../batch/key_operation.ts";
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
const OF_BATCH = { batch: "B", origin: "o" };

function batch(fields: Partial<Batch> = {}): Batch {
  return {
    id: "B",
    origin: { name: "o", address: { host: "192.0.2.1", port: 3505 } },
    issuedAtMs: 0,
    expiresAtMs: 0,
    target: {},
    held: false,
    body: encodeChecks([CHECK]),
    signature: new Uint8Array(0),
    ...fields,
  };
}

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
  trail.taken(batch(), { runsHere: true });
  trail.starting(batch());
  trail.actionStarting(batch(), CHECK);
  trail.checkEnded(batch(), { check: CHECK, result: ended({ type: "exited", code: 3 }) });
  assertEquals(records, [
    { event: "batch_taken", ...of, runsHere: true, checks: ["a"] },
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
    trail.checkEnded(batch(), { check: CHECK, result: ended(end) });
    const action = { check: "a", command: "mend a" };
    assertEquals(records, [{ event, ...OF_BATCH, ...action, outcome } as AuditRecord]);
  }
  const { trail, records } = bench();
  const result: CheckResult = { check: "a", outcome: { status: "pass" }, durationMs: 1 };
  trail.checkEnded(batch(), { check: CHECK, result });
  assertEquals(records, []);
});

Deno.test("a change of keys is recorded without the key, and what cannot be read as one", () => {
  const { trail, records } = bench();
  const body = encodeKeyOperation({ type: "install", key: new Uint8Array(32).fill(65) });
  trail.taken(batch({ body }), { runsHere: true });
  trail.taken(batch({ body: Uint8Array.of(0xc1) }), { runsHere: false });
  const event = "batch_taken" as const;
  assertEquals(records, [
    { event, ...OF_BATCH, runsHere: true, checks: ["(keys)"] },
    { event, ...OF_BATCH, runsHere: false, checks: ["(batch)"] },
  ]);
});

Deno.test("what cannot be recorded does not run, and does once it can", () => {
  const { trail, records, logged, disk } = bench();
  disk.full = true;
  trail.taken(batch(), { runsHere: true });
  assertThrows(() => trail.starting(batch()), HostError, "no space");
  assertThrows(() => trail.actionStarting(batch(), CHECK), HostError, "no space");
  trail.checkEnded(batch(), { check: CHECK, result: ended({ type: "exited", code: 0 }) });
  trail.refused(refused("C"));
  trail.reopen();
  const line = "error audit_failed: audit log f: no space";
  assertEquals(logged, [line, line, line, line]);
  disk.full = false;
  trail.starting(batch());
  trail.starting(batch());
  assertEquals(records.map(({ event }) => event), ["batch_taken"]);
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
  trail.taken(batch(), { runsHere: true });
  trail.starting(batch());
  trail.actionStarting(batch(), CHECK);
  trail.checkEnded(batch(), { check: CHECK, result: ended({ type: "aborted" }) });
  trail.refused(refused("C"));
  trail.reopen();
  trail.close();
  assertEquals(logged, []);
});
