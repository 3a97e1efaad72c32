import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { settle, VirtualTime } from "../../tests/support/virtual_time.ts";
import { decodeResults, encodeChecks } from "../checks/codec.ts";
import type { CheckResult } from "../checks/check.ts";
import type { RunOptions } from "../checks/runner.ts";
import { HostError, StoreError } from "../errors.ts";
import type { LocalReport } from "../gossip/dissemination.ts";
import type { Batch, BatchAccepted } from "../gossip/types.ts";
import { MemoryBatchStore } from "../journal/batch_store.ts";
import { Batches, type BatchesOptions } from "./batch_runs.ts";

const PASS: CheckResult = { check: "a", outcome: { status: "pass" }, durationMs: 1 };
const FAIL: CheckResult = { check: "a", outcome: { status: "fail", reason: "no" }, durationMs: 1 };
const CHECKS = encodeChecks([
  { name: "a", type: "file_exists", fields: { path: "/a" }, actionTimeoutMs: 1000 },
]);

function batch(id: string, body: Uint8Array = CHECKS): Batch {
  return {
    id,
    origin: { name: "origin", address: { host: "192.0.2.1", port: 3505 } },
    issuedAtMs: 0,
    expiresAtMs: 0,
    target: {},
    held: false,
    body,
    signature: new Uint8Array(0),
  };
}

function accepted(id: string, fields: Partial<BatchAccepted> = {}): BatchAccepted {
  const rest = { ageMs: 0, targeted: true, cancelled: false };
  return { type: "batch_accepted", batch: batch(id), ...rest, ...fields };
}

const NO_RULES: BatchesOptions["rules"] = { starting() {}, actionStarting() {}, checkEnded() {} };

/** Batches whose runs the test ends by hand, with all that is reported written down. */
function bench(store = new MemoryBatchStore(), rules = NO_RULES) {
  const time = new VirtualTime();
  const reports: string[] = [];
  const bodies = new Map<string, Uint8Array>();
  const runs = new Map<string, { options: RunOptions; end: (...results: CheckResult[]) => void }>();
  const errors: string[] = [];
  const notTold = new Set<string>();
  const batches = new Batches({
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
    rules,
    store,
    report: (id: string, report: LocalReport) => {
      if (report.state === "done") bodies.set(id, report.body);
      reports.push(`${id} ${report.state}${report.state === "done" ? ` ${report.passed}` : ""}`);
      return !notTold.delete(id);
    },
    clock: time,
    timers: time,
    log: { write: (...[level, , message]) => void (level === "error" && errors.push(message)) },
  });
  return { batches, time, reports, bodies, runs, errors, notTold, store };
}

Deno.test("a batch is reported running, then done with its outcomes", async () => {
  const { batches, reports, bodies, runs, store } = bench();
  batches.accepted(accepted("x"));
  assertEquals(reports, [], "whoever told of the batch goes on first");
  await settle();
  assertEquals(reports, ["x running"]);
  const { options } = runs.get("x") ?? {};
  assertEquals([options?.node, options?.mode, options?.actions], ["n1", "parallel", true]);
  assertEquals(options?.checks.map(({ name }) => name), ["a"]);
  runs.get("x")?.end(PASS);
  await settle();
  assertEquals(reports, ["x running", "x done true"]);
  assertEquals(decodeResults(bodies.get("x") ?? new Uint8Array()), [PASS]);
  assertEquals(store.outcomes("x"), bodies.get("x"));
});

Deno.test("one outcome that is no pass makes the batch not passed", async () => {
  const { batches, reports, runs } = bench();
  batches.accepted(accepted("x"));
  await settle();
  runs.get("x")?.end(PASS, FAIL);
  await settle();
  assertEquals(reports.at(-1), "x done false");
});

Deno.test("a batch for others is kept and not run", async () => {
  const { batches, reports, runs } = bench();
  batches.accepted(accepted("x", { targeted: false }));
  await settle();
  assertEquals([reports, runs.size, batches.running], [[], 0, 0]);
});

Deno.test("a batch that cannot be read is an error in the results, not silence", async () => {
  const { batches, bodies } = bench();
  batches.accepted(accepted("x", { batch: batch("x", new Uint8Array([0xc1])) }));
  await settle();
  const [result] = decodeResults(bodies.get("x") ?? new Uint8Array());
  assertEquals(result?.outcome.status, "error");
});

Deno.test("a batch cancelled before it came, or while it runs, is ended and says by what", async () => {
  const { batches, bodies } = bench();
  batches.accepted(accepted("early", { cancelled: true }));
  batches.accepted(accepted("late"));
  await settle();
  batches.stop("late", "the batch was cancelled");
  batches.stop("unknown", "the batch was cancelled");
  await settle();
  for (const id of ["early", "late"]) {
    const [result] = decodeResults(bodies.get(id) ?? new Uint8Array());
    assertEquals(result?.outcome, { status: "skipped", reason: "the batch was cancelled" });
  }
});

Deno.test("drain waits for what runs, and ends it when the grace is over", async () => {
  const { batches, time, runs, bodies } = bench();
  batches.accepted(accepted("quick"));
  batches.accepted(accepted("slow"));
  await settle();
  let drained = false;
  const draining = batches.drain(10_000).then(() => drained = true);
  await time.pass(9_000);
  runs.get("quick")?.end(PASS);
  await time.pass(999);
  assertEquals([drained, batches.running], [false, 1]);
  await time.pass(1);
  await draining;
  const [result] = decodeResults(bodies.get("slow") ?? new Uint8Array());
  assertEquals(result?.outcome, { status: "skipped", reason: "this node is stopping" });
  assertEquals(time.pending, 0);
});

Deno.test("the stop waits until the origins have the reports, and not for ever", async () => {
  const { batches, time, runs } = bench();
  await batches.reportsSettled(3_000);
  batches.accepted(accepted("x"));
  batches.accepted(accepted("y"));
  await settle();
  for (const id of ["x", "y"]) runs.get(id)?.end(PASS);
  await settle();
  const waits: string[] = [];
  void batches.reportsSettled(3_000).then(() => waits.push("first"));
  batches.reportSettled("x");
  await time.pass(2_999);
  assertEquals(waits, []);
  batches.reportSettled("y");
  await settle();
  assertEquals(waits, ["first"]);
  batches.accepted(accepted("z"));
  await settle();
  runs.get("z")?.end(PASS);
  await settle();
  void batches.reportsSettled(3_000).then(() => waits.push("second"));
  await time.pass(3_000);
  assertEquals(waits, ["first", "second"]);
});

/** Keeps nothing once it is full. */
class FullStore extends MemoryBatchStore {
  full = true;
  #take(): void {
    if (this.full) throw new StoreError("the disk is full");
  }
  override accepted(): void {
    this.#take();
  }
  override note(): void {
    this.#take();
  }
  override actionStarting(): void {
    this.#take();
  }
  override finished(): void {
    this.#take();
  }
}

Deno.test("where a batch cannot be remembered its checks run, but never its actions", async () => {
  const store = new FullStore();
  const { batches, runs, errors } = bench(store);
  batches.accepted(accepted("x"));
  batches.released({ type: "batch_released", batch: batch("held"), cancelled: false });
  store.full = false;
  await settle();
  for (const id of ["x", "held"]) {
    const { options } = runs.get(id) ?? {};
    const [check] = options?.checks ?? [];
    assert(check !== undefined);
    const error = assertThrows(() => options?.onActionStarting?.(check), StoreError);
    assertStringIncludes(error.message, "could not remember that it was: the disk is full");
  }
  assertEquals(errors, ["the disk is full", "the disk is full"]);
});

Deno.test("an action whose start cannot be remembered is not started, a later one is", async () => {
  const store = new FullStore();
  store.full = false;
  const { batches, runs, errors } = bench(store);
  batches.accepted(accepted("x"));
  await settle();
  const { options } = runs.get("x") ?? {};
  const [check] = options?.checks ?? [];
  assert(check !== undefined);
  store.full = true;
  assertThrows(() => options?.onActionStarting?.(check), StoreError, "the disk is full");
  assertEquals(errors, ["the disk is full"]);
  store.full = false;
  options?.onActionStarting?.(check);
});

Deno.test("a batch of this node's own that cannot be remembered is not issued", async () => {
  const { batches, runs } = bench(new FullStore());
  const collection = { members: ["n1"] };
  assertThrows(() => batches.accepted(accepted("x", { collection })), StoreError);
  await settle();
  assertEquals(runs.size, 0);
});

Deno.test("outcomes that the origin itself cannot keep are offered again until it can", async () => {
  const { batches, time, reports, runs, notTold, store } = bench();
  batches.accepted(accepted("x"));
  await settle();
  notTold.add("x");
  runs.get("x")?.end(PASS);
  await settle();
  await time.pass(60_000);
  assertEquals(reports, ["x running", "x done true", "x done true"]);
  assert(store.outcomes("x") !== undefined);
});

Deno.test("outcomes that cannot be kept are told all the same, and the log says so", async () => {
  const store = new FullStore();
  store.full = false;
  const { batches, reports, runs, errors } = bench(store);
  batches.accepted(accepted("x"));
  await settle();
  store.full = true;
  runs.get("x")?.end(PASS);
  await settle();
  assertEquals(reports.at(-1), "x done true");
  assertStringIncludes(errors.join(), "the disk is full");
});

Deno.test("a batch that a rule forbids does not run, and the results say why", async () => {
  const refusing: BatchesOptions["rules"] = {
    ...NO_RULES,
    starting() {
      throw new HostError("not on record");
    },
  };
  const { batches, runs, bodies, reports } = bench(new MemoryBatchStore(), refusing);
  batches.accepted(accepted("x"));
  await settle();
  assertEquals(runs.size, 0);
  assertEquals(reports, ["x running", "x done false"]);
  const outcome = { status: "error", reason: "not on record" } as const;
  assertEquals(decodeResults(bodies.get("x") ?? new Uint8Array()), [
    { check: "a", outcome, durationMs: 0 },
  ]);
});

Deno.test("rules are asked before an action is remembered, and told of every result with its check", async () => {
  const told: string[] = [];
  const rules: BatchesOptions["rules"] = {
    starting: ({ id }) => void told.push(`starting ${id}`),
    actionStarting(_batch, { name }) {
      told.push(`action ${name}`);
      if (name === "no") throw new HostError("forbidden");
    },
    checkEnded: (_batch, { check, result }) =>
      void told.push(`ended ${result.check} of ${check?.type}`),
  };
  const store = new MemoryBatchStore();
  store.actionStarting = (_id, name) => void told.push(`remembered ${name}`);
  const { batches, runs } = bench(store, rules);
  batches.accepted(accepted("x"));
  await settle();
  const { options, end } = runs.get("x") ?? {};
  const check = { name: "a", type: "t", fields: {}, actionTimeoutMs: 1 };
  options?.onActionStarting?.(check);
  assertThrows(() => options?.onActionStarting?.({ ...check, name: "no" }), HostError, "forbidden");
  options?.onResult?.(FAIL);
  end?.(FAIL);
  await settle();
  assertEquals(told, [
    "starting x",
    "action a",
    "remembered a",
    "action no",
    "ended a of file_exists",
  ]);
});
