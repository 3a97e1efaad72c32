import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { checkBatch, checkNamed, testId } from "../../tests/support/batches.ts";
import { HeldJournal } from "../../tests/support/held_journal.ts";
import { Disk } from "../../tests/support/journal_disk.ts";
import { settle, VirtualTime } from "../../tests/support/virtual_time.ts";
import { encodeBody, readBody } from "../batch/body.ts";
import type { CheckResult } from "../batch/check.ts";
import type { BatchId } from "../batch/id.ts";
import type { KeyOperation } from "../batch/key_operation.ts";
import { decodeReport, type Report } from "../batch/report.ts";
import type { RunOptions } from "../checks/runner.ts";
import { HostError, StoreError } from "../errors.ts";
import type { BatchAccepted, BatchReleased, LocalReport } from "../gossip/types.ts";
import { BatchRuns, type BatchRunsOptions } from "./batch_runs.ts";

const PASS: CheckResult = { check: "a", outcome: { status: "pass" }, durationMs: 1 };
const FAIL: CheckResult = { check: "a", outcome: { status: "fail", reason: "no" }, durationMs: 1 };
const [X, Y, Z] = [1, 2, 3].map(testId) as [BatchId, BatchId, BatchId];
const KEYS = encodeBody({ type: "keys", operation: { type: "list" } });
const CANCELLED = { status: "skipped", reason: "the batch was cancelled" } as const;

function accepted(id: BatchId, fields: Partial<BatchAccepted> = {}): BatchAccepted {
  const rest = { targeted: true, cancelled: false };
  return { type: "batch_accepted", batch: checkBatch({ id }), ...rest, ...fields };
}

const NO_RULES: BatchRunsOptions["rules"] = { starting() {}, actionStarting() {}, checkEnded() {} };

/** Runs that the test ends, and their reports. */
function bench(options: Partial<Pick<BatchRunsOptions, "store" | "rules">> = {}) {
  const time = new VirtualTime();
  const reports: string[] = [];
  const done = new Map<BatchId, Uint8Array>();
  const runs = new Map<string, { options: RunOptions; end: (...results: CheckResult[]) => void }>();
  const operations: [KeyOperation, BatchId][] = [];
  const batches = new BatchRuns({
    node: "n1",
    runner: {
      run: (options) =>
        new Promise((resolve) => {
          const end = (...results: CheckResult[]) => resolve(results);
          runs.set(options.batchId, { options, end });
          const reason = () =>
            ({ status: "skipped", reason: String(options.signal?.reason) }) as const;
          const skip = () => end({ check: "a", outcome: reason(), durationMs: 0 });
          if (options.signal?.aborted) skip();
          options.signal?.addEventListener("abort", skip);
        }),
    },
    keys: {
      run: (operation, id) => {
        operations.push([operation, id]);
        return { type: "keys", outcome: { status: "pass" } };
      },
    },
    rules: NO_RULES,
    store: new HeldJournal(),
    report: (id: BatchId, report: LocalReport) => {
      if (report.state === "done") done.set(id, report.report);
      reports.push(`${id} ${report.state}${report.state === "done" ? ` ${report.passed}` : ""}`);
    },
    clock: time,
    timers: time,
    log: { write() {} },
    ...options,
  });
  const begin = (event: BatchAccepted | BatchReleased) =>
    batches.begin(event, readBody(event.batch.body));
  const reportOf = (id: BatchId): Report | undefined => {
    const bytes = done.get(id);
    return bytes && decodeReport(bytes);
  };
  return { batches, begin, time, reports, done, reportOf, runs, operations };
}

function checks(...results: CheckResult[]): Report {
  return { type: "checks", results };
}

Deno.test("a batch is reported running, then done with its results", async () => {
  const journal = new HeldJournal();
  const { begin, reports, reportOf, runs, done } = bench({ store: journal });
  begin(accepted(X));
  assertEquals(reports, [`${X} running`]);
  await settle();
  assertEquals(reports, [`${X} running`]);
  const { options } = runs.get(X) ?? {};
  assertEquals([options?.node, options?.mode, options?.actions], ["n1", "parallel", true]);
  assertEquals(options?.checks.map(({ name }) => name), ["a"]);
  runs.get(X)?.end(PASS);
  await settle();
  assertEquals(reports, [`${X} running`, `${X} done true`]);
  assertEquals(reportOf(X), checks(PASS));
  const report = done.get(X) ?? new Uint8Array();
  const batch = checkBatch({ id: X });
  assertEquals(journal.records, [{ type: "finished", batch, passed: true, report }]);
});

Deno.test("a batch with an outcome other than pass has not passed", async () => {
  const { begin, reports, runs } = bench();
  begin(accepted(X));
  await settle();
  runs.get(X)?.end(PASS, FAIL);
  await settle();
  assertEquals(reports.at(-1), `${X} done false`);
});

Deno.test("a held batch runs when it is released", async () => {
  const { begin, reports, runs } = bench();
  begin({ type: "batch_released", batch: checkBatch({ id: X, held: true }), cancelled: false });
  await settle();
  runs.get(X)?.end(PASS);
  await settle();
  assertEquals(reports, [`${X} running`, `${X} done true`]);
});

Deno.test("a batch that cannot be decoded is reported as an error", async () => {
  const { begin, reports, reportOf, runs, operations } = bench();
  const bodies = [new Uint8Array([0xc1]), KEYS.slice(0, -1), encodeBody(NO_CHECKS)];
  for (const [index, body] of bodies.entries()) {
    const id = testId(index);
    begin(accepted(id, { batch: checkBatch({ id, body }) }));
    await settle();
    const report = reportOf(id);
    assert(report?.type === "batch" && report.outcome.status === "error");
    assertStringIncludes(report.outcome.reason, "this node cannot read the batch: ");
    assertEquals(reports.at(-1), `${id} done false`);
  }
  assertEquals([runs.size, operations], [0, []]);
});

const NO_CHECKS = { type: "checks", checks: [] } as const;

Deno.test("a key operation is run and reported as such", async () => {
  const { begin, reports, reportOf, runs, operations } = bench();
  begin(accepted(X, { batch: checkBatch({ id: X, body: KEYS }) }));
  await settle();
  assertEquals(operations, [[{ type: "list" }, X]]);
  assertEquals(reports, [`${X} running`, `${X} done true`]);
  assertEquals(reportOf(X), { type: "keys", outcome: { status: "pass" } });
  begin(accepted(Y));
  await settle();
  assertEquals([operations.length, [...runs.keys()]], [1, [Y]]);
});

Deno.test("a batch that is cancelled before or while it runs is reported as skipped, with the reason", async () => {
  const { batches, begin, reportOf } = bench();
  begin(accepted(X, { cancelled: true }));
  begin(accepted(Y));
  await settle();
  batches.stop(Y, "the batch was cancelled");
  batches.stop(Z, "the batch was cancelled");
  await settle();
  for (const id of [X, Y]) {
    assertEquals(reportOf(id), checks({ check: "a", outcome: CANCELLED, durationMs: 0 }));
  }
});

Deno.test("a cancelled key operation is not run", async () => {
  const { begin, reportOf, operations } = bench();
  begin(accepted(X, { batch: checkBatch({ id: X, body: KEYS }), cancelled: true }));
  await settle();
  assertEquals(operations, []);
  assertEquals(reportOf(X), { type: "keys", outcome: CANCELLED });
});

Deno.test("drain waits for the runs, and stops them after the grace period", async () => {
  const { batches, begin, time, runs, reportOf } = bench();
  begin(accepted(X));
  begin(accepted(Y));
  await settle();
  let drained = false;
  const draining = batches.drain(10_000).then(() => drained = true);
  await time.pass(9_000);
  runs.get(X)?.end(PASS);
  await time.pass(999);
  assertEquals([drained, batches.running], [false, 1]);
  await time.pass(1);
  await draining;
  const outcome = { status: "skipped", reason: "this node is stopping" } as const;
  assertEquals(reportOf(Y), checks({ check: "a", outcome, durationMs: 0 }));
  assertEquals(time.pending, 0);
});

Deno.test("reportsSettled waits until the reports are settled, or for its timeout", async () => {
  const { batches, begin, time, runs } = bench();
  await batches.reportsSettled(3_000);
  begin(accepted(X));
  begin(accepted(Y));
  await settle();
  for (const id of [X, Y]) runs.get(id)?.end(PASS);
  await settle();
  const waits: string[] = [];
  void batches.reportsSettled(3_000).then(() => waits.push("first"));
  batches.reportSettled(X);
  await time.pass(2_999);
  assertEquals(waits, []);
  batches.reportSettled(Y);
  await settle();
  assertEquals(waits, ["first"]);
  begin(accepted(Z));
  await settle();
  runs.get(Z)?.end(PASS);
  await settle();
  void batches.reportsSettled(3_000).then(() => waits.push("second"));
  await time.pass(3_000);
  assertEquals(waits, ["first", "second"]);
});

Deno.test("if the acceptance of a batch is not durable, its checks run and its actions do not", async () => {
  const journal = new HeldJournal();
  const { begin, runs, reports } = bench({ store: journal });
  const failure = "the disk is full";
  const held = checkBatch({ id: Y, held: true });
  begin(accepted(X, { failure }));
  begin({ type: "batch_released", batch: held, cancelled: false, failure });
  await settle();
  for (const id of [X, Y]) {
    const { options, end } = runs.get(id) ?? {};
    assert(options?.onActionStarting !== undefined);
    const check = checkNamed("a");
    const error = await assertRejects(async () => {
      await options.onActionStarting?.(check);
    }, StoreError);
    assertEquals(
      error.message,
      "not started: this node could not record the start: the disk is full",
    );
    end?.(FAIL);
    await settle();
    assertEquals(reports.at(-1), `${id} done false`);
  }
  assertEquals(journal.types, ["finished", "finished"], "no action is recorded as started");
});

Deno.test("an action whose start cannot be recorded is not started, a later one is", async () => {
  const journal = new HeldJournal();
  const { begin, runs } = bench({ store: journal });
  begin(accepted(X));
  await settle();
  const { options } = runs.get(X) ?? {};
  const start = async () => await options?.onActionStarting?.(checkNamed("a"));
  journal.failure = "the disk is full";
  await assertRejects(start, StoreError, "the disk is full");
  journal.failure = undefined;
  await start();
  assertEquals(journal.records, [{ type: "action_starting", batchId: X, check: "a" }]);
});

Deno.test("a report that the journal cannot store is sent, and the error is logged", async () => {
  using disk = new Disk();
  const { begin, reports, runs } = bench({ store: disk.boot() });
  begin(accepted(X));
  await settle();
  disk.full = true;
  runs.get(X)?.end(PASS);
  await disk.time.pass(0);
  assertEquals(reports.at(-1), `${X} done true`);
  assertEquals(disk.logged, ["error store_failed: the disk is full"]);
});

Deno.test("a batch that a rule forbids does not run, and the reason is reported", async () => {
  const refusing: BatchRunsOptions["rules"] = {
    ...NO_RULES,
    starting() {
      throw new HostError("not on record");
    },
  };
  const { begin, runs, operations, reportOf, reports } = bench({ rules: refusing });
  const outcome = { status: "error", reason: "not on record" } as const;
  const cases: [Uint8Array, Report][] = [
    [checkBatch().body, checks({ check: "a", outcome, durationMs: 0 })],
    [KEYS, { type: "keys", outcome }],
    [new Uint8Array([0xc1]), { type: "batch", outcome }],
  ];
  for (const [body, expected] of cases) {
    begin(accepted(X, { batch: checkBatch({ id: X, body }) }));
    await settle();
    assertEquals([runs.size, operations], [0, []]);
    assertEquals(reports.splice(0), [`${X} running`, `${X} done false`]);
    assertEquals(reportOf(X), expected);
  }
});

Deno.test("the rules are applied before an action is recorded, and get every result with its check", async () => {
  const calls: string[] = [];
  const rules: BatchRunsOptions["rules"] = {
    starting: ({ id }) => void calls.push(`starting ${id}`),
    actionStarting(_batch, { name }) {
      calls.push(`action ${name}`);
      if (name === "no") throw new HostError("forbidden");
    },
    checkEnded: (_batch, { check, result }) =>
      void calls.push(`ended ${result.check} of ${check?.type}`),
  };
  const journal = new HeldJournal();
  const store: BatchRunsOptions["store"] = {
    keep(record, done) {
      calls.push(record.type);
      journal.keep(record, done);
    },
  };
  const { begin, runs } = bench({ store, rules });
  begin(accepted(X));
  await settle();
  const { options, end } = runs.get(X) ?? {};
  await options?.onActionStarting?.(checkNamed("a"));
  await assertRejects(
    async () => await options?.onActionStarting?.(checkNamed("no")),
    HostError,
    "forbidden",
  );
  options?.onResult?.(FAIL);
  end?.(FAIL);
  await settle();
  assertEquals(calls, [
    `starting ${X}`,
    "action a",
    "action_starting",
    "action no",
    "ended a of file_exists",
    "check_ended",
    "finished",
  ]);
  const [, ended] = journal.records;
  assertEquals(ended, { type: "check_ended", batchId: X, result: FAIL });
});
