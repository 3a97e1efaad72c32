import { assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { checkBatch, testId } from "../../tests/support/batches.ts";
import {
  answerTo,
  ask,
  CHECK,
  DeskBench,
  done,
  FAIL,
  memberNamed,
  ORDER,
  PASS,
  STATE,
} from "../../tests/support/desk_bench.ts";
import { settle } from "../../tests/support/virtual_time.ts";
import type { Batch } from "../batch/batch.ts";
import { BusyError, RefusedError, UsageError } from "../errors.ts";
import type { GossipEvent } from "../gossip/types.ts";
import { encodeMeta } from "../swim/meta.ts";

const ID = testId(0);
const RESULTS = { type: "results", batchId: ID } as const;

Deno.test("check: accepted with all members, then progress, then settled", async () => {
  const bench = new DeskBench();
  const { replies, ended } = ask(bench.desk, CHECK);
  await settle();
  assertEquals(replies, [
    { type: "accepted", batchId: ID, nodes: ["me", "b", "c"] },
    { type: "state", state: STATE },
  ]);
  bench.move("b", { state: "running" });
  await settle();
  bench.move("b", done(FAIL));
  bench.move("me", done(PASS));
  bench.move("c", { state: "unreached", memberState: "dead" });
  bench.settleBatch();
  await ended;
  assertEquals(replies.slice(2), [
    { type: "progress", progress: { node: "b", state: "running" } },
    { type: "progress", progress: { node: "b", ...done(FAIL) } },
    { type: "progress", progress: { node: "me", ...done(PASS) } },
    { type: "progress", progress: { node: "c", state: "unreached", memberState: "dead" } },
    { type: "settled" },
  ]);
});

Deno.test("check: progress from before the first read is sent as well", async () => {
  const { desk, collected } = new DeskBench();
  const iterator = desk.handle(CHECK, new AbortController().signal);
  const replies = [await iterator.next()];
  for (const name of ["me", "b", "c"]) collected.get(ID)?.set(name, done(PASS));
  desk.notice({ type: "progress", batchId: ID, node: "me", progress: done(PASS) });
  desk.notice({ type: "batch_settled", batchId: ID });
  for (let reply; !(reply = await iterator.next()).done;) replies.push(reply);
  assertEquals(replies.map(({ value }) => value?.type), [
    "accepted",
    "state",
    "progress",
    "settled",
  ]);
});

Deno.test("check: without wait, accepted is the last reply", async () => {
  const { desk } = new DeskBench();
  const replies = await answerTo(desk, { ...CHECK, wait: false });
  assertEquals(replies.map(({ type }) => type), ["accepted"]);
});

Deno.test("check: a client that disconnects ends only its own replies", async () => {
  const bench = new DeskBench();
  const client = ask(bench.desk, CHECK);
  await settle();
  client.abort.abort();
  await client.ended;
  assertEquals(client.replies.map(({ type }) => type), ["accepted", "state"]);
  bench.move("b", done(PASS));
  bench.settleBatch();
  const [, , ...rest] = await answerTo(bench.desk, RESULTS);
  assertEquals(rest.at(1), { type: "progress", progress: { node: "b", ...done(PASS) } });
});

Deno.test("check: a report is sent unchanged, also one that cannot be decoded", async () => {
  const bench = new DeskBench();
  const asking = ask(bench.desk, CHECK);
  await settle();
  const report = new Uint8Array([0xc1]);
  bench.move("b", { state: "done", passed: false, report });
  await settle();
  asking.abort.abort();
  await asking.ended;
  const [reply] = asking.replies.slice(2);
  const progress = reply?.type === "progress" ? reply.progress : undefined;
  assertEquals(progress, { node: "b", state: "done", passed: false, report });
  assertStrictEquals(progress?.state === "done" && progress.report, report);
});

const REFUSED = [
  { name: "a bad target", error: new UsageError("no such target"), code: "bad_request" },
  { name: "too many batches", error: new BusyError("too many batches"), code: "busy" },
  { name: "a rule of the node", error: new RefusedError("it is not signed"), code: "refused" },
] as const;
for (const { name, error, code } of REFUSED) {
  Deno.test(`check: refused for ${name}`, async () => {
    const bench = new DeskBench();
    bench.refusal = error;
    assertEquals(await answerTo(bench.desk, CHECK), [
      { type: "error", code, message: error.message },
    ]);
  });
}

Deno.test("check: a stopping daemon refuses batches", async () => {
  const { desk, submitted } = new DeskBench();
  desk.stop();
  const [reply] = await answerTo(desk, CHECK);
  assertEquals([reply?.type === "error" && reply.code, submitted.length], ["busy", 0]);
});

Deno.test("results: for a batch of another origin, only the report of this node", async () => {
  const { desk, known, store, collected } = new DeskBench();
  await answerTo(desk, { ...CHECK, wait: false });
  collected.clear();
  assertEquals(await answerTo(desk, RESULTS), [
    { type: "accepted", batchId: ID, nodes: [] },
    { type: "state", state: STATE },
    { type: "settled" },
  ]);
  for (const results of [PASS, FAIL]) {
    const { passed, report } = done(results);
    // `passed` of the record is ignored: it is computed from the report.
    store.keep({ type: "finished", batch: known[0] as Batch, passed: !passed, report });
    assertEquals(await answerTo(desk, RESULTS), [
      { type: "accepted", batchId: ID, nodes: ["me"] },
      { type: "state", state: STATE },
      { type: "progress", progress: { node: "me", state: "done", passed, report } },
      { type: "settled" },
    ]);
  }
});

Deno.test("results: the report of this node is sent unchanged, also if it cannot be decoded", async () => {
  const { desk, store } = new DeskBench();
  const report = new Uint8Array([0xc1]);
  store.keep({ type: "finished", batch: checkBatch({ id: ID }), passed: true, report });
  const replies = await answerTo(desk, RESULTS);
  assertEquals(replies.filter(({ type }) => type === "progress"), [
    { type: "progress", progress: { node: "me", state: "done", passed: false, report } },
  ]);
});

Deno.test("results and cancel: an unknown batch is an error that names it", async () => {
  const { desk, cancelled } = new DeskBench();
  const unknown = testId(7);
  for (const type of ["results", "cancel"] as const) {
    const [reply] = await answerTo(desk, { type, batchId: unknown });
    assertEquals(reply?.type === "error" && reply.code, "unknown_batch");
    assertStringIncludes(reply?.type === "error" ? reply.message : "", `"${unknown}"`);
  }
  await answerTo(desk, { ...CHECK, wait: false });
  for (const _ of ["once", "again"]) {
    assertEquals(await answerTo(desk, { type: "cancel", batchId: ID }), [{ type: "done" }]);
  }
  assertEquals(cancelled, [ID]);
  const [, state] = await answerTo(desk, RESULTS);
  assertEquals(state, { type: "state", state: { ...STATE, cancelled: true } });
});

Deno.test("results: a skipped member has its reason", async () => {
  const bench = new DeskBench({ members: [memberNamed("me"), memberNamed("b")] });
  await answerTo(bench.desk, { ...CHECK, wait: false });
  bench.move("b", { state: "skipped", reason: "cancelled" });
  const replies = await answerTo(bench.desk, RESULTS);
  assertEquals(replies[3], {
    type: "progress",
    progress: { node: "b", state: "skipped", reason: "cancelled" },
  });
});

Deno.test("check: order, limit and roll-out are passed on unchanged", async () => {
  const limit = { type: "percent", percent: 50 } as const;
  const rollout = { size: { type: "count", count: 1 }, maxFailures: 0 } as const;
  const { content } = checkBatch({ id: ID, issuedAtMs: 3 });
  const signed = { type: "signed", content, signature: new Uint8Array(96) } as const;
  const unsigned = { ...ORDER, target: { nodes: ["b"] }, expiresInMs: 7 };
  for (const order of [unsigned, signed]) {
    for (const more of [{}, { limit }, { rollout }, { limit, rollout }]) {
      const { desk, submitted } = new DeskBench();
      await answerTo(desk, { ...CHECK, order, ...more, wait: false });
      assertEquals(submitted, [{ order, ...more }]);
      assertStrictEquals(submitted[0]?.order, order);
    }
  }
});

Deno.test("check: the state is sent when the stage changes", async () => {
  const bench = new DeskBench();
  const rollout = { size: { type: "count", count: 1 }, maxFailures: 0 } as const;
  const { replies, ended } = ask(bench.desk, { ...CHECK, rollout });
  await settle();
  bench.move("me", done(PASS));
  await settle();
  bench.move("b", done(FAIL));
  bench.move("c", { state: "skipped", reason: "rollout_stopped" });
  bench.settleBatch();
  await ended;
  const sent = replies.flatMap((reply) => reply.type === "state" ? [reply.state.rollout] : []);
  const stages = { stages: 3, maxFailures: 0 };
  assertEquals(sent, [
    { stage: 1, failures: 0, stopped: false, ...stages },
    { stage: 2, failures: 0, stopped: false, ...stages },
    { stage: 2, failures: 1, stopped: true, ...stages },
  ]);
});

Deno.test("results: the signer of a batch is named as in the trusted keys", async () => {
  const { desk } = new DeskBench({ signerOf: ({ id }) => id === ID ? "ada" : undefined });
  await answerTo(desk, { ...CHECK, wait: false });
  const [, state] = await answerTo(desk, RESULTS);
  assertEquals(state, { type: "state", state: { ...STATE, signer: "ada" } });
});

Deno.test("members: state, tags, whether it runs gossipcheck, and whether it is this daemon", async () => {
  const { desk } = new DeskBench({
    members: [
      memberNamed("me", { meta: encodeMeta(new Map([["role", "web"]])) }),
      memberNamed("failed", { state: "dead", meta: new Uint8Array([1]), degraded: "udp" }),
    ],
  });
  const address = { host: "192.0.2.1", port: 3505 };
  assertEquals(await answerTo(desk, { type: "members" }), [{
    type: "members",
    members: [
      {
        name: "me",
        address,
        state: "alive",
        tags: { role: "web" },
        runsGossipcheck: true,
        self: true,
      },
      {
        name: "failed",
        address,
        state: "failed",
        tags: {},
        runsGossipcheck: false,
        self: false,
        degraded: "udp",
      },
    ],
  }]);
});

Deno.test("events of batches without followers are ignored", () => {
  const { desk } = new DeskBench();
  const batch = checkBatch();
  const batchId = batch.id;
  const events: GossipEvent[] = [
    { type: "batch_settled", batchId },
    { type: "progress", batchId, node: "b", progress: { state: "pending" } },
    { type: "batch_expired", batchId },
    { type: "batch_accepted", batch, targeted: true, cancelled: false },
    { type: "batch_not_stored", batchId, reason: "the disk is full" },
  ];
  for (const event of events) desk.notice(event);
});

Deno.test("checks are issued as they were sent", async () => {
  const { desk, known } = new DeskBench();
  await answerTo(desk, { ...CHECK, wait: false });
  assertEquals(known[0]?.body, ORDER.body);
});
