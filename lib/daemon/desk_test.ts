import { assertEquals, assertStringIncludes } from "@std/assert";
import { settle } from "../../tests/support/virtual_time.ts";
import { encodeChecks, encodeResults } from "../checks/codec.ts";
import type { Check, CheckResult } from "../checks/check.ts";
import type { BatchState, Reply, Request } from "../client/protocol.ts";
import { BusyError, UsageError } from "../errors.ts";
import type {
  Batch,
  GossipEvent,
  MemberProgress,
  RestoredCollection,
  Submission,
} from "../gossip/types.ts";
import { encodeMeta } from "../swim/meta.ts";
import type { Member } from "../swim/types.ts";
import { MemoryBatchStore } from "../journal/batch_store.ts";
import { type BatchDesk, DaemonService, type DaemonServiceOptions } from "./desk.ts";
import { MembershipPeers } from "../node/membership_peers.ts";

const CHECKS: readonly Check[] = [
  { name: "a", type: "file_exists", fields: { path: "/a" }, actionTimeoutMs: 1000 },
];
const PASS: readonly CheckResult[] = [{ check: "a", outcome: { status: "pass" }, durationMs: 1 }];
const FAIL: readonly CheckResult[] = [
  { check: "a", outcome: { status: "fail", reason: "no" }, durationMs: 1 },
];
const STATE: BatchState = { target: {}, expiresAtMs: 0, cancelled: false };
const CHECK: Request & { type: "check" } = {
  type: "check",
  checks: CHECKS,
  target: {},
  expiresInMs: 0,
  wait: true,
};

function done(results: readonly CheckResult[], passed = results === PASS): MemberProgress {
  return { state: "done", passed, body: encodeResults(results) };
}

function member(name: string, fields: Partial<Member> = {}): Member {
  return {
    name,
    address: { host: "192.0.2.1", port: 3505 },
    meta: encodeMeta(new Map()),
    state: "alive",
    incarnation: 1,
    versions: [1, 5, 5, 0, 5, 5],
    stateSinceMs: 0,
    ...fields,
  };
}

/** A daemon "me" among `members`, whose batches the test moves along by hand. */
function bench(
  members: readonly Member[] = [member("me"), member("b"), member("c")],
  options: Pick<DaemonServiceOptions, "signerOf"> = {},
) {
  const collected = new Map<string, Map<string, MemberProgress>>();
  const known: Batch[] = [];
  const cancelled: string[] = [];
  const submitted: Submission[] = [];
  let refusal: Error | undefined;
  const batches: BatchDesk = {
    submit(submission) {
      if (refusal !== undefined) throw refusal;
      submitted.push(submission);
      const { target, body } = submission;
      const id = `batch${known.length}`;
      const origin = { name: "me", address: { host: "192.0.2.1", port: 3505 } };
      const rest = { issuedAtMs: 5, expiresAtMs: 0, held: false, signature: new Uint8Array() };
      known.unshift({ id, origin, target, body, ...rest });
      collected.set(id, new Map(members.map(({ name }) => [name, { state: "pending" }])));
      return known[0] as Batch;
    },
    cancel: (id) => collected.has(id) && !cancelled.includes(id) && cancelled.push(id) > 0,
    isCancelled: (id) => cancelled.includes(id),
    collections: () => [...collected.keys()].map(collection).filter((one) => one !== undefined),
    collection: (id) => collection(id),
    batches: () => known,
    batch: (id) => known.find((batch) => batch.id === id),
    progress: (id) => collected.get(id),
  };
  const collection = (batchId: string): RestoredCollection | undefined => {
    const parts = collected.get(batchId);
    if (parts === undefined) return undefined;
    const rollout = submitted.find((one) => one.rollout !== undefined)?.rollout;
    const stages = rollout?.size.type === "count" && {
      rollout: { stageSize: rollout.size.count, maxFailures: rollout.maxFailures },
    };
    return { batchId, target: {}, held: false, members: parts, ...stages };
  };
  const table = {
    self: () => members[0] as Member,
    members: () => members,
    member: (name: string) => members.find((each) => each.name === name),
  };
  const store = new MemoryBatchStore();
  const peers = new MembershipPeers(table);
  const service = new DaemonService({ members: table, peers, batches, store, ...options });
  const move = (node: string, progress: MemberProgress) => {
    const batchId = `batch${known.length - 1}`;
    collected.get(batchId)?.set(node, progress);
    service.notice({ type: "progress", batchId, node, progress });
  };
  const settleBatch = () => service.notice({ type: "batch_settled", batchId: "batch0" });
  const refuse = (error: Error) => refusal = error;
  return { service, move, settleBatch, refuse, known, collected, store, cancelled, submitted };
}

/** Takes replies as they come. */
function ask(service: DaemonService, request: Request) {
  const abort = new AbortController();
  const replies: Reply[] = [];
  const ended = (async () => {
    for await (const reply of service.handle(request, abort.signal)) replies.push(reply);
  })();
  return { replies, ended, abort };
}

async function answerTo(service: DaemonService, request: Request): Promise<Reply[]> {
  const { replies, ended } = ask(service, request);
  await ended;
  return replies;
}

Deno.test("check: accepted with all members, each part as it comes, then settled", async () => {
  const { service, move, settleBatch } = bench();
  const { replies, ended } = ask(service, CHECK);
  await settle();
  assertEquals(replies, [
    { type: "accepted", batchId: "batch0", nodes: ["me", "b", "c"] },
    { type: "state", state: STATE },
  ]);
  move("b", { state: "running" });
  await settle();
  move("b", done(FAIL));
  move("me", done(PASS));
  move("c", { state: "unreached", memberState: "dead" });
  settleBatch();
  await ended;
  assertEquals(replies.slice(2), [
    { type: "progress", progress: { node: "b", state: "running" } },
    { type: "progress", progress: { node: "b", state: "done", results: FAIL } },
    { type: "progress", progress: { node: "me", state: "done", results: PASS } },
    { type: "progress", progress: { node: "c", state: "unreached", memberState: "dead" } },
    { type: "settled" },
  ]);
});

Deno.test("check: what settled before anybody looked is told all the same", async () => {
  const { service, collected } = bench();
  const iterator = service.handle(CHECK, new AbortController().signal);
  const replies = [await iterator.next()];
  for (const name of ["me", "b", "c"]) collected.get("batch0")?.set(name, done(PASS));
  service.notice({ type: "progress", batchId: "batch0", node: "me", progress: done(PASS) });
  service.notice({ type: "batch_settled", batchId: "batch0" });
  for (let reply; !(reply = await iterator.next()).done;) replies.push(reply);
  assertEquals(replies.map(({ value }) => value?.type), [
    "accepted",
    "state",
    "progress",
    "settled",
  ]);
});

Deno.test("check: with no wait it ends with accepted", async () => {
  const { service } = bench();
  const replies = await answerTo(service, { ...CHECK, wait: false });
  assertEquals(replies.map(({ type }) => type), ["accepted"]);
});

Deno.test("check: a client that goes away ends its answer and nothing else", async () => {
  const { service, move, settleBatch } = bench();
  const gone = ask(service, CHECK);
  await settle();
  gone.abort.abort();
  await gone.ended;
  assertEquals(gone.replies.map(({ type }) => type), ["accepted", "state"]);
  move("b", done(PASS));
  settleBatch();
  const [, , ...rest] = await answerTo(service, { type: "results", batchId: "batch0" });
  assertEquals(rest.at(1), {
    type: "progress",
    progress: { node: "b", state: "done", results: PASS },
  });
});

Deno.test("check: results that cannot be read are an error of that node", async () => {
  const { service, move } = bench();
  const asking = ask(service, CHECK);
  await settle();
  move("b", { state: "done", passed: false, body: new Uint8Array([0xc1]) });
  await settle();
  asking.abort.abort();
  await asking.ended;
  const [reply] = asking.replies.slice(2);
  const progress = reply?.type === "progress" ? reply.progress : undefined;
  const outcome = progress?.state === "done" ? progress.results[0]?.outcome : undefined;
  assertEquals(outcome?.status, "error");
});

const REFUSED = [
  { name: "a bad target", error: new UsageError("no such target"), code: "bad_request" },
  { name: "too much to do", error: new BusyError("too many batches"), code: "busy" },
] as const;
for (const { name, error, code } of REFUSED) {
  Deno.test(`check: refused for ${name}`, async () => {
    const { service, refuse } = bench();
    refuse(error);
    assertEquals(await answerTo(service, CHECK), [{ type: "error", code, message: error.message }]);
  });
}

Deno.test("check: a stopping daemon takes no batch", async () => {
  const { service, known } = bench();
  service.stop();
  const [reply] = await answerTo(service, CHECK);
  assertEquals([reply?.type === "error" && reply.code, known.length], ["busy", 0]);
});

Deno.test("results: a batch of another origin shows this node's own part", async () => {
  const { service, known, store, collected } = bench();
  await answerTo(service, { ...CHECK, wait: false });
  collected.clear();
  assertEquals(await answerTo(service, { type: "results", batchId: "batch0" }), [
    { type: "accepted", batchId: "batch0", nodes: [] },
    { type: "state", state: STATE },
    { type: "settled" },
  ]);
  store.finished(known[0] as Batch, { passed: true, body: encodeResults(PASS) });
  assertEquals(await answerTo(service, { type: "results", batchId: "batch0" }), [
    { type: "accepted", batchId: "batch0", nodes: ["me"] },
    { type: "state", state: STATE },
    { type: "progress", progress: { node: "me", state: "done", results: PASS } },
    { type: "settled" },
  ]);
});

Deno.test("results and cancel: an unknown batch is named", async () => {
  const { service, cancelled } = bench();
  for (const type of ["results", "cancel"] as const) {
    const [reply] = await answerTo(service, { type, batchId: "nope" });
    assertEquals(reply?.type === "error" && reply.code, "unknown_batch");
    assertStringIncludes(reply?.type === "error" ? reply.message : "", '"nope"');
  }
  await answerTo(service, { ...CHECK, wait: false });
  for (const _ of ["once", "again"]) {
    assertEquals(await answerTo(service, { type: "cancel", batchId: "batch0" }), [
      { type: "done" },
    ]);
  }
  assertEquals(cancelled, ["batch0"]);
  const [, state] = await answerTo(service, { type: "results", batchId: "batch0" });
  assertEquals(state, { type: "state", state: { ...STATE, cancelled: true } });
});

Deno.test("results: a member that was skipped says why", async () => {
  const { service, move } = bench([member("me"), member("b")]);
  await answerTo(service, { ...CHECK, wait: false });
  move("b", { state: "skipped", reason: "cancelled" });
  const replies = await answerTo(service, { type: "results", batchId: "batch0" });
  assertEquals(replies[3], {
    type: "progress",
    progress: { node: "b", state: "skipped", reason: "cancelled" },
  });
});

Deno.test("check: sample, stages and expiry go on as they came, and stages are told as they change", async () => {
  const { service, move, settleBatch, submitted } = bench();
  const limit = { type: "percent", percent: 50 } as const;
  const rollout = { size: { type: "count", count: 1 }, maxFailures: 0 } as const;
  const signed = { id: "x", issuedAtMs: 3, signature: new Uint8Array(96) };
  const { replies, ended } = ask(service, { ...CHECK, limit, rollout, expiresInMs: 7, signed });
  await settle();
  const [{ body: _, ...submission } = {}] = submitted;
  assertEquals(submission, { target: {}, expiresInMs: 7, limit, rollout, signed });
  move("me", done(PASS));
  await settle();
  move("b", done(FAIL));
  move("c", { state: "skipped", reason: "rollout_stopped" });
  settleBatch();
  await ended;
  const told = replies.flatMap((reply) => reply.type === "state" ? [reply.state.rollout] : []);
  const stages = { stages: 3, maxFailures: 0 };
  assertEquals(told, [
    { stage: 1, failures: 0, stopped: false, ...stages },
    { stage: 2, failures: 0, stopped: false, ...stages },
    { stage: 2, failures: 1, stopped: true, ...stages },
  ]);
});

Deno.test("results: who signed a batch is told by the name that this node trusts them under", async () => {
  const { service } = bench(undefined, {
    signerOf: ({ id }) => id === "batch0" ? "ada" : undefined,
  });
  await answerTo(service, { ...CHECK, wait: false });
  const [, state] = await answerTo(service, { type: "results", batchId: "batch0" });
  assertEquals(state, { type: "state", state: { ...STATE, signer: "ada" } });
});

Deno.test("batches: one that has expired is listed for its results", async () => {
  const { service, move, collected, known } = bench();
  const batchId = "01JGFJJZ00ABCDEFGHJKMNPQRS";
  collected.set(batchId, new Map([["me", done(FAIL)], ["b", { state: "pending" }]]));
  await answerTo(service, { ...CHECK, wait: false });
  move("me", done(PASS));
  assertEquals(known.length, 1);
  const [reply] = await answerTo(service, { type: "batches" });
  assertEquals(reply?.type === "batches" && reply.batches[1], {
    batchId,
    issuedAtMs: 1_735_689_600_000,
    origin: "me",
    checks: ["a"],
    counts: { targeted: 2, answered: 1, unreached: 0, skipped: 0, notPassing: 1 },
    target: {},
    cancelled: false,
  });
});

Deno.test("batches: newest first, with counts where this node is the origin", async () => {
  const { service, move, collected } = bench();
  await answerTo(service, { ...CHECK, wait: false });
  await answerTo(service, { ...CHECK, wait: false });
  move("me", done(PASS));
  move("b", done(FAIL));
  move("c", { state: "unreached", memberState: "left" });
  collected.delete("batch0");
  const common = { issuedAtMs: 5, origin: "me", checks: ["a"], ...STATE };
  assertEquals(await answerTo(service, { type: "batches" }), [{
    type: "batches",
    batches: [
      {
        batchId: "batch1",
        ...common,
        counts: { targeted: 3, answered: 2, unreached: 1, skipped: 0, notPassing: 1 },
      },
      { batchId: "batch0", ...common },
    ],
  }]);
});

Deno.test("members: state, tags, who runs gossipcheck and who is asked", async () => {
  const { service } = bench([
    member("me", { meta: encodeMeta(new Map([["role", "web"]])) }),
    member("gone", { state: "dead", meta: new Uint8Array([1]), degraded: "udp" }),
  ]);
  const address = { host: "192.0.2.1", port: 3505 };
  assertEquals(await answerTo(service, { type: "members" }), [{
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
        name: "gone",
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

Deno.test("events of batches that nobody follows are passed over", () => {
  const { service } = bench();
  const events: GossipEvent[] = [
    { type: "batch_settled", batchId: "x" },
    { type: "progress", batchId: "x", node: "b", progress: { state: "pending" } },
    { type: "batch_expired", batchId: "x" },
  ];
  for (const event of events) service.notice(event);
});

Deno.test("checks travel as they were sent", async () => {
  const { service, known } = bench();
  await answerTo(service, { ...CHECK, wait: false });
  assertEquals(known[0]?.body, encodeChecks(CHECKS));
});
