/** Tests of the parts of a run that wait for the journal, with the real runner on a fake host. */
import { assert, assertEquals } from "@std/assert";
import { checkBatch, checkNamed, testId } from "../../tests/support/batches.ts";
import { FakeHost } from "../../tests/support/fake_host.ts";
import { HeldJournal } from "../../tests/support/held_journal.ts";
import { settle, VirtualTime } from "../../tests/support/virtual_time.ts";
import { encodeBody, readBody } from "../batch/body.ts";
import type { ActionEnd } from "../batch/check.ts";
import { decodeReport } from "../batch/report.ts";
import { Runner } from "../checks/runner.ts";
import type { BatchAccepted, LocalReport } from "../gossip/types.ts";
import { BatchRuns } from "./batch_runs.ts";

const ID = testId(1);
const BATCH = checkBatch({
  id: ID,
  body: encodeBody({
    type: "checks",
    checks: [checkNamed("a", { action: "mend a" }), checkNamed("there", { action: "mend there" })],
  }),
});
const ACCEPTED: BatchAccepted = {
  ...{ type: "batch_accepted", batch: BATCH },
  ...{ targeted: true, cancelled: false },
};
const NOT_RECORDED = "not started: this node could not record the start: ";

/** A node on which `/there` exists and `/a` does not; the test makes its journal answer. */
function bench() {
  const time = new VirtualTime();
  const host = new FakeHost();
  host.files.set("/there", "");
  const journal = new HeldJournal({ holds: true });
  const reports: LocalReport[] = [];
  const runs = new BatchRuns({
    node: "n1",
    runner: new Runner({ host, clock: time, timers: time, maxParallel: 10 }),
    keys: { run: () => ({ type: "keys", outcome: { status: "pass" } }) },
    rules: { starting() {}, actionStarting() {}, checkEnded() {} },
    store: journal,
    report: (_id, report) => void reports.push(report),
    clock: time,
    timers: time,
    log: { write() {} },
  });
  const begin = (event: Partial<BatchAccepted> = {}) =>
    runs.begin({ ...ACCEPTED, ...event }, readBody(BATCH.body));
  /** How the only action ended; `undefined` if the batch is not reported as done. */
  const actionEnd = (): ActionEnd | undefined => {
    const last = reports.at(-1);
    if (last?.state !== "done") return undefined;
    const report = decodeReport(last.report);
    assert(report.type === "checks");
    const [a, there] = report.results;
    assertEquals([a?.outcome.status, there?.outcome.status], ["fail", "pass"]);
    return a?.action?.end;
  };
  return { time, host, journal, reports, runs, begin, actionEnd };
}

Deno.test("an action is started when the journal has answered, and not before", async () => {
  const { time, host, journal, begin, actionEnd } = bench();
  begin();
  await time.pass(25_000);
  assertEquals([host.shells.length, journal.held], [0, 1]);
  assertEquals(journal.types, ["action_starting", "check_ended"]);
  assertEquals(journal.records[0], { type: "action_starting", batchId: ID, check: "a" });
  journal.answer();
  await settle();
  assertEquals(host.shells.map(({ command }) => command), ["mend a"]);
  host.shells[0]?.end();
  await settle();
  journal.answer();
  await settle();
  assertEquals(actionEnd(), { type: "exited", code: 0 });
});

Deno.test("an action that the journal cannot record is not started, and its result has the reason", async () => {
  const { host, journal, begin, actionEnd } = bench();
  journal.failure = "the disk is full";
  begin();
  await settle();
  journal.answer();
  await settle();
  journal.answer();
  await settle();
  assertEquals(host.shells, []);
  assertEquals(actionEnd(), { type: "refused", reason: `${NOT_RECORDED}the disk is full` });
});

Deno.test("if the acceptance of a batch is not durable, its checks run and no action starts", async () => {
  const { host, journal, begin, actionEnd } = bench();
  begin({ failure: "the disk was full" });
  await settle();
  assertEquals(host.asked.toSorted(), ["/a", "/there"]);
  assertEquals(journal.types, ["check_ended", "check_ended", "finished"]);
  journal.answer();
  await settle();
  assertEquals(host.shells, []);
  assertEquals(actionEnd(), { type: "refused", reason: `${NOT_RECORDED}the disk was full` });
});

Deno.test("an action that is cancelled while the journal is busy is not started", async () => {
  const { host, journal, runs, begin, actionEnd } = bench();
  begin();
  await settle();
  runs.stop(ID, "the batch was cancelled");
  await settle();
  journal.answer();
  await settle();
  journal.answer();
  await settle();
  assertEquals(host.shells, []);
  assertEquals(actionEnd(), { type: "refused", reason: "the batch was cancelled" });
});

Deno.test("a report is sent when the journal has answered, also with an error, and not before", async () => {
  for (const failure of [undefined, "the disk is full"]) {
    const { time, host, journal, reports, runs, begin } = bench();
    host.files.set("/a", "");
    begin();
    journal.failure = failure;
    await time.pass(60_000);
    assertEquals(reports.map(({ state }) => state), ["running"]);
    assertEquals([journal.held, runs.running], [1, 1]);
    let drained = false;
    const draining = runs.drain(10_000).then(() => drained = true);
    await time.pass(60_000);
    assertEquals([drained, reports.length], [false, 1], "drain waits for the journal too");
    journal.answer();
    await draining;
    assertEquals(reports.map(({ state }) => state), ["running", "done"]);
    assertEquals(runs.running, 0);
  }
});
