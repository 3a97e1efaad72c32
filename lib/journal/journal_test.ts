import { assert, assertEquals } from "@std/assert";
import { decodeResults, encodeChecks, encodeResults } from "../checks/codec.ts";
import type { Check, CheckResult } from "../checks/check.ts";
import { SqliteStore } from "../deno/store.ts";
import type { Batch, MemberProgress } from "../gossip/types.ts";
import { newBatchId } from "../batch/id.ts";
import { Journal, JOURNAL_SCHEMA } from "./journal.ts";

const HOUR_MS = 3_600_000;
const NO_CHANCE = { next: () => 0, bytes: (length: number) => new Uint8Array(length) };

function check(name: string): Check {
  return { name, type: "file_exists", fields: { path: "/x" }, action: "true", actionTimeoutMs: 1 };
}

function batchOf(number: number, checks: Check[] = [check("a")]): Batch {
  return {
    id: `01JD${String(number).padStart(22, "0")}`,
    origin: { name: "origin", address: { host: "127.0.0.1", port: 2000 } },
    issuedAtMs: 1_000,
    expiresAtMs: 1_000 + HOUR_MS,
    target: { tags: [{ key: "role", equal: true, value: "web" }], nodes: ["web-*"] },
    held: false,
    body: encodeChecks(checks),
    signature: new Uint8Array([1, 2, 3]),
  };
}

/** A store that outlives its journals, as a disk outlives the processes that crash on it. */
class Disk {
  readonly store = new SqliteStore({ path: ":memory:", schema: JOURNAL_SCHEMA });
  wallMs = 10_000;
  boot(): Journal {
    return new Journal({
      store: this.store,
      clock: { nowMs: () => 0, wallMs: () => this.wallMs },
    });
  }
  [Symbol.dispose](): void {
    this.store.close();
  }
}

const ACCEPTED = { type: "batch_accepted", ageMs: 5, targeted: true, cancelled: false } as const;

Deno.test("an accepted batch is there after a restart, aged by the time that passed", () => {
  using disk = new Disk();
  const batch = batchOf(1);
  disk.boot().accepted({ ...ACCEPTED, batch });
  disk.wallMs += 7_000;
  const restored = disk.boot().restored();
  assertEquals([...restored.seen], [batch.id]);
  assertEquals([...restored.batches], [
    { batch, ageMs: 7_005, cancelled: false, released: true },
  ]);
});

Deno.test("what expired while the node was down is forgotten, its id is not", () => {
  using disk = new Disk();
  disk.boot().accepted({ ...ACCEPTED, batch: batchOf(1) });
  disk.wallMs += HOUR_MS;
  assertEquals([...disk.boot().restored().batches], []);
  disk.wallMs -= HOUR_MS;
  assertEquals([...disk.boot().restored().batches], []);
  assertEquals([...disk.boot().restored().seen], [batchOf(1).id]);
});

Deno.test("ids come back in their order, however many", () => {
  using disk = new Disk();
  disk.store.transaction(() => {
    for (let number = 0; number < 25_000; number++) {
      disk.store.run("INSERT INTO seen (id) VALUES (?)", batchOf((number * 7) % 25_000).id);
    }
  });
  const seen = [...disk.boot().restored().seen];
  assertEquals(seen.length, 25_000);
  assertEquals(
    seen.slice(9_998, 10_002),
    [9_998, 9_999, 10_000, 10_001].map((number) => batchOf((number * 7) % 25_000).id),
  );
});

Deno.test("of results too old, too many or too large the oldest go; what is owed to an origin stays", () => {
  using disk = new Disk();
  disk.wallMs = 100 * 24 * HOUR_MS;
  const journal = disk.boot();
  const issuedAt = (day: number) => ({
    ...batchOf(1),
    id: newBatchId({ wallMs: day * 24 * HOUR_MS, random: NO_CHANCE }),
  });
  const large = new Uint8Array(40 * 1024 * 1024);
  const days = [58, 59, 72, 73, 74, 90];
  // The first two are too old, and one of them is still owed; of the other four three have room.
  for (const day of days) {
    const batch = issuedAt(day);
    journal.accepted({ ...ACCEPTED, batch, collection: { members: ["n1"] } });
    journal.finished(batch, { passed: true, body: day < 60 ? new Uint8Array(1) : large });
    if (day !== 59) journal.note({ type: "report_confirmed", batchId: batch.id });
  }
  const rebooted = disk.boot();
  const kept = days.filter((day) => rebooted.outcomes(issuedAt(day).id) !== undefined);
  assertEquals(kept, [59, 73, 74, 90]);
  const collections = [...rebooted.restored().collections].map(({ batchId }) => batchId);
  assertEquals(collections, [72, 73, 74, 90].map((day) => issuedAt(day).id));
});

Deno.test("a clock that is years ahead makes the journal forget no results", () => {
  using disk = new Disk();
  const journal = disk.boot();
  const batch = batchOf(1);
  journal.accepted({ ...ACCEPTED, batch });
  journal.finished(batch, { passed: true, body: new Uint8Array(1) });
  journal.note({ type: "report_confirmed", batchId: batch.id });
  disk.wallMs = 100 * 365 * 24 * HOUR_MS;
  assert(disk.boot().outcomes(batch.id) !== undefined);
});

Deno.test("a clock that was set back makes no batch younger", () => {
  using disk = new Disk();
  disk.boot().accepted({ ...ACCEPTED, batch: batchOf(1) });
  disk.wallMs -= 7_000;
  assertEquals([...disk.boot().restored().batches][0]?.ageMs, 5);
});

Deno.test("an expired batch is gone, its id is not", () => {
  using disk = new Disk();
  const journal = disk.boot();
  journal.accepted({ ...ACCEPTED, batch: batchOf(1) });
  journal.note({ type: "batch_expired", batchId: batchOf(1).id });
  const restored = disk.boot().restored();
  assertEquals([...restored.seen].length, 1);
  assertEquals([...restored.batches], []);
});

Deno.test("a cancelled batch stays cancelled, a held one is released once", () => {
  using disk = new Disk();
  const journal = disk.boot();
  journal.accepted({ ...ACCEPTED, targeted: false, batch: batchOf(1) });
  journal.note({ type: "batch_cancelled", batchId: batchOf(1).id });
  journal.accepted({ ...ACCEPTED, targeted: false, batch: batchOf(2) });
  assertEquals(
    [...journal.restored().batches].map(({ cancelled, released }) => [cancelled, released]),
    [[true, false], [false, false]],
  );
  journal.note({ type: "batch_released", batch: batchOf(2), cancelled: false });
  assertEquals([...journal.restored().batches][1]?.released, true);
});

Deno.test("a crash in the middle: what ended is kept, what had started is interrupted, the rest is skipped", () => {
  using disk = new Disk();
  const journal = disk.boot();
  const batch = batchOf(1, [check("ended"), check("started"), check("waiting")]);
  journal.accepted({ ...ACCEPTED, batch });
  const ended: CheckResult = { check: "ended", outcome: { status: "pass" }, durationMs: 3 };
  journal.checkEnded(batch.id, ended);
  journal.actionStarting(batch.id, "started");

  const rebooted = disk.boot();
  assertEquals(rebooted.interrupted, 1);
  const [report, ...others] = rebooted.restored().reports;
  assert(report !== undefined && others.length === 0);
  assertEquals([report.batchId, report.origin, report.passed], [batch.id, batch.origin, false]);
  const results = decodeResults(report.body);
  assertEquals(results[0], ended);
  assertEquals(results.map(({ outcome, action }) => [outcome.status, action?.end.type]), [
    ["pass", undefined],
    ["fail", "interrupted"],
    ["skipped", undefined],
  ]);
  assertEquals(disk.boot().interrupted, 0, "the next start finds nothing more to end");
});

Deno.test("a batch that this node could not read does not keep it from starting", () => {
  using disk = new Disk();
  disk.boot().accepted({ ...ACCEPTED, batch: { ...batchOf(1), body: new Uint8Array([0xc1]) } });
  const [report] = disk.boot().restored().reports;
  assertEquals(decodeResults(report?.body ?? new Uint8Array()).map(({ check }) => check), [
    "(batch)",
  ]);
});

Deno.test("outcomes stay in the outbox until they are confirmed, and readable after", () => {
  using disk = new Disk();
  const journal = disk.boot();
  const body = encodeResults([{ check: "a", outcome: { status: "pass" }, durationMs: 1 }]);
  journal.accepted({ ...ACCEPTED, batch: batchOf(1) });
  journal.finished(batchOf(1), { passed: true, body });
  assertEquals([...disk.boot().restored().reports], [
    { batchId: batchOf(1).id, origin: batchOf(1).origin, passed: true, body },
  ]);
  journal.note({ type: "report_confirmed", batchId: batchOf(1).id });
  const rebooted = disk.boot();
  assertEquals([...rebooted.restored().reports], []);
  assertEquals(rebooted.outcomes(batchOf(1).id), body);
  assertEquals(rebooted.outcomes(batchOf(2).id), undefined);
});

Deno.test("what an origin collected is there after a restart, in the order of its members", () => {
  using disk = new Disk();
  const journal = disk.boot();
  const rollout = { stageSize: 2, maxFailures: 0 };
  const batch = { ...batchOf(1), held: true };
  const members = ["c", "a", "b", "d"];
  journal.accepted({ ...ACCEPTED, batch, targeted: false, collection: { members, rollout } });
  const changes: [string, MemberProgress][] = [
    ["a", { state: "running" }],
    ["a", { state: "done", passed: true, body: new Uint8Array([1]) }],
    ["b", { state: "unreached", memberState: "dead" }],
    ["d", { state: "skipped", reason: "rollout_stopped" }],
    ["late", { state: "pending" }],
  ];
  for (const [node, progress] of changes) {
    journal.note({ type: "progress", batchId: batch.id, node, progress });
  }
  const [collection] = disk.boot().restored().collections;
  assert(collection !== undefined);
  assertEquals(collection.target, batch.target);
  assertEquals([collection.held, collection.rollout], [true, rollout]);
  assertEquals([...collection.members], [
    ["c", { state: "pending" }],
    ["a", { state: "done", passed: true, body: new Uint8Array([1]) }],
    ["b", { state: "unreached", memberState: "dead" }],
    ["d", { state: "skipped", reason: "rollout_stopped" }],
    ["late", { state: "pending" }],
  ]);
  assertEquals(journal.unsynced, true, "an answer is confirmed only when it is on the disk");
  journal.sync();
  journal.note({ type: "progress", batchId: batch.id, node: "c", progress: { state: "running" } });
  assertEquals(journal.unsynced, false);
  journal.note({ type: "results_forgotten", batchId: batch.id });
  journal.note({ type: "progress", batchId: batch.id, node: "a", progress: { state: "pending" } });
  assertEquals([...disk.boot().restored().collections], []);
});
