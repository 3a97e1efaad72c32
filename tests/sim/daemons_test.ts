/** Whole daemons, with checks, journals and clients, in one process and in virtual time. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeBody } from "../../lib/batch/body.ts";
import { type CheckResult, endText } from "../../lib/batch/check.ts";
import { decodeReport } from "../../lib/batch/report.ts";
import type { Reply, Request } from "../../lib/client/protocol.ts";
import { UnreachableError } from "../../lib/errors.ts";
import { DaemonWorld, type WorldDaemon } from "../support/world_daemons.ts";

const NAMES = ["a", "b", "c", "d", "e"];

/** Five daemons that have joined each other. */
async function cluster(seed: number): Promise<{ world: DaemonWorld; daemons: WorldDaemon[] }> {
  const world = new DaemonWorld({ seed });
  for (const name of NAMES) await world.add(name);
  await world.pass(10_000);
  return { world, daemons: world.daemons };
}

/** A batch for all: one check passes everywhere, the other fails and has an action. */
function batch(action: string): Request {
  const checks = [
    { name: "there", type: "file_exists", fields: { path: "/there" }, actionTimeoutMs: 60_000 },
    {
      name: "absent",
      type: "file_exists",
      fields: { path: "/absent" },
      actionTimeoutMs: 60_000,
      action,
    },
  ];
  const body = encodeBody({ type: "checks", checks });
  return {
    type: "check",
    order: { type: "unsigned", body, target: {}, expiresInMs: 3_600_000 },
    wait: true,
  };
}

/** The results of each node that is done. */
function resultsOf(replies: readonly Reply[]): Map<string, readonly CheckResult[]> {
  const results = new Map<string, readonly CheckResult[]>();
  for (const reply of replies) {
    if (reply.type !== "progress" || reply.progress.state !== "done") continue;
    const report = decodeReport(reply.progress.report);
    assert(report.type === "checks");
    results.set(reply.progress.node, report.results);
  }
  return results;
}

/** The results as `check status end-of-action`, by node. */
function described(replies: readonly Reply[]): Record<string, string[]> {
  const entries = [...resultsOf(replies)].sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(entries.map(([node, results]) => [
    node,
    results.map(({ check, outcome, action }) =>
      [check, outcome.status, ...action === undefined ? [] : [endText(action.end)]].join(" ")
    ),
  ]));
}

function everyNode<T>(value: T): Record<string, T> {
  return Object.fromEntries(NAMES.map((name) => [name, value]));
}

Deno.test("five daemons run a client's batch and its actions once each, and report everything", async () => {
  const { world, daemons } = await cluster(1);
  using _ = world;
  for (const { machine } of daemons) machine.files.set("/there", "");
  const asked = daemons[2]!.ask(batch("mend"));
  await world.pass(5_000);
  assertEquals(daemons.map(({ actions }) => actions), NAMES.map(() => ["mend"]));
  for (const { machine } of daemons) machine.shells[0]?.end({ output: "mended" });
  const replies = await world.until(asked, 10_000);
  assertEquals(replies[0]?.type, "accepted");
  assertEquals(replies.at(-1), { type: "settled" });
  assertEquals(described(replies), everyNode(["there pass", "absent fail exit 0"]));
  for (const results of resultsOf(replies).values()) {
    assertEquals(results[1]?.action?.output, "mended");
  }

  const [members] = await world.until(daemons[4]!.ask({ type: "members" }), 1_000);
  assert(members?.type === "members");
  assertEquals(
    members.members.map(({ name, state, runsGossipcheck }) => [name, state, runsGossipcheck])
      .sort(),
    NAMES.map((name) => [name, "alive", true]),
  );
});

Deno.test("a client cancels a batch at another daemon: what runs is ended everywhere, and each says so", async () => {
  const { world, daemons } = await cluster(2);
  using _ = world;
  let batchId = "";
  const asked = daemons[0]!.ask(batch("sleep"), {
    onReply: (reply) => {
      if (reply.type === "accepted") batchId = reply.batchId;
    },
  });
  await world.pass(5_000);
  assertEquals(await world.until(daemons[3]!.ask({ type: "cancel", batchId }), 1_000), [
    { type: "done" },
  ]);
  assertEquals(
    described(await world.until(asked, 10_000)),
    everyNode(["there fail", "absent fail aborted"]),
  );
  for (const { machine } of daemons) assert(machine.shells[0]?.options.signal?.aborted);
});

Deno.test("a daemon that is killed while an action runs starts nothing again, and reports the interruption", async () => {
  const { world, daemons } = await cluster(3);
  using _ = world;
  const victim = daemons[1]!;
  const asked = daemons[0]!.ask(batch("mend"));
  await world.pass(5_000);
  for (const daemon of daemons) if (daemon !== victim) daemon.machine.shells[0]?.end();
  victim.kill();
  await world.pass(1_000);
  await victim.start();
  const replies = await world.until(asked, 60_000);
  const { b, ...others } = described(replies);
  // Its first check was decided before it was killed.
  assertEquals(b, ["there fail", "absent fail interrupted"]);
  assertEquals(Object.keys(others), ["a", "c", "d", "e"]);
  await world.pass(120_000);
  assertEquals(daemons.map(({ actions }) => actions), NAMES.map(() => ["mend"]));
  assert(victim.logged.some(({ event }) => event === "batches_interrupted"));
});

Deno.test("an origin that is killed keeps what it has, gets the rest, and answers a client that asks later", async () => {
  const { world, daemons } = await cluster(4);
  using _ = world;
  const origin = daemons[0]!;
  let batchId = "";
  const asked = origin.ask(batch("mend"), {
    onReply: (reply) => {
      if (reply.type === "accepted") batchId = reply.batchId;
    },
  });
  const lost = assertRejects(() => asked, UnreachableError);
  await world.pass(5_000);
  for (const { machine } of daemons.slice(0, 3)) machine.shells[0]?.end();
  await world.pass(2_000);
  origin.kill();
  await world.until(lost, 5_000);
  for (const { machine } of daemons.slice(3)) machine.shells[0]?.end();
  await world.pass(20_000);
  await origin.start();
  await world.pass(30_000);
  const replies = await world.until(origin.ask({ type: "results", batchId }), 1_000);
  assertEquals(described(replies), everyNode(["there fail", "absent fail exit 0"]));
  assertEquals(daemons.map(({ actions }) => actions), NAMES.map(() => ["mend"]));
});

Deno.test("a client without the daemon's token is refused", async () => {
  const { world, daemons } = await cluster(5);
  using _ = world;
  const token = daemons[1]!.token;
  const asked = assertRejects(
    () => daemons[0]!.ask({ type: "members" }, { token }),
    UnreachableError,
    "token",
  );
  await world.until(asked, 5_000);
});

Deno.test("a daemon that is stopped lets its action end, reports and leaves", async () => {
  const { world, daemons } = await cluster(6);
  using _ = world;
  const asked = daemons[0]!.ask(batch("mend"));
  await world.pass(5_000);
  const stopped = daemons[4]!.stop({ graceMs: 10_000 });
  await world.pass(1_000);
  for (const { machine } of daemons) machine.shells[0]?.end();
  await world.until(stopped, 30_000);
  assertEquals(
    described(await world.until(asked, 10_000)),
    everyNode(["there fail", "absent fail exit 0"]),
  );
  const [members] = await world.until(daemons[1]!.ask({ type: "members" }), 1_000);
  assert(members?.type === "members");
  assertEquals(members.members.find(({ name }) => name === "e")?.state, "left");
});

Deno.test("the same seed gives the same run of whole daemons, another seed another", async () => {
  const trace = async (seed: number): Promise<string> => {
    const { world, daemons } = await cluster(seed);
    using _ = world;
    const asked = daemons[0]!.ask(batch("mend"));
    await world.pass(5_000);
    for (const { machine } of daemons) machine.shells[0]?.end();
    const replies = await world.until(asked, 10_000);
    const { traffic } = world.network;
    return JSON.stringify([replies, traffic, daemons.map(({ logged, audit }) => [logged, audit])]);
  };
  const first = await trace(7);
  assertEquals(await trace(7), first);
  assert(await trace(8) !== first);
});
