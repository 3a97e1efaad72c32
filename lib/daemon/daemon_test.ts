/** Tests of the assembly of a daemon: two daemons in virtual time. */
import { assert, assertEquals } from "@std/assert";
import { checkNamed } from "../../tests/support/batches.ts";
import { DaemonWorld, type WorldDaemon } from "../../tests/support/world_daemons.ts";
import { encodeBody } from "../batch/body.ts";
import type { CheckResult } from "../batch/check.ts";
import { decodeReport } from "../batch/report.ts";
import type { Reply, Request } from "../client/protocol.ts";

const CHECKS = [checkNamed("a", { action: "mend" })];

function checkOn(nodes: readonly string[]): Request {
  const body = encodeBody({ type: "checks", checks: CHECKS });
  return {
    type: "check",
    order: { type: "unsigned", body, target: { nodes }, expiresInMs: 3_600_000 },
    wait: true,
  };
}

async function cluster() {
  const world = new DaemonWorld({ seed: 1 });
  const one = await world.add("one");
  const other = await world.add("other");
  await world.pass(2_000);
  return { world, one, other };
}

/** Makes every write to a daemon's disk fail. */
function fillDisk({ disk }: WorldDaemon): void {
  disk.failure = () => "the disk is full";
}

/** The last state of each node's part, with its results if it is done. */
function partsOf(replies: readonly Reply[]): Record<string, readonly CheckResult[] | string> {
  const parts: Record<string, readonly CheckResult[] | string> = {};
  for (const reply of replies) {
    if (reply.type !== "progress") continue;
    const { progress } = reply;
    parts[progress.node] = progress.state;
    if (progress.state !== "done") continue;
    const report = decodeReport(progress.report);
    parts[progress.node] = report.type === "checks" ? report.results : report.type;
  }
  return parts;
}

/** The records of batches in its audit log. */
function audited({ audit }: WorldDaemon) {
  return audit.filter(({ event }) => event === "batch_accepted")
    .map(({ runsHere, checks }) => ({ runsHere, checks }));
}

Deno.test("a batch for another node is stored, recorded and forwarded, and not run", async () => {
  const { world, one, other } = await cluster();
  using _ = world;
  const asked = one.ask(checkOn(["other"]));
  await world.pass(1_000);
  assertEquals(other.machine.shells.map(({ command }) => command), ["mend"]);
  other.machine.shells[0]?.end();
  await world.pass(5_000);
  const replies = await asked;
  assertEquals(replies.at(-1), { type: "settled" });
  const parts = partsOf(replies);
  assertEquals(Object.keys(parts), ["other"]);
  assert(typeof parts.other !== "string");
  assertEquals(parts.other?.[0]?.action?.end, { type: "exited", code: 0 });
  assertEquals([one.machine.asked, one.machine.shells], [[], []]);
  assertEquals(audited(one), [{ runsHere: false, checks: ["a"] }]);
  assertEquals(audited(other), [{ runsHere: true, checks: ["a"] }]);
});

Deno.test("a batch that its origin cannot store is not sent, and gcheck gets the error of the store", async () => {
  const { world, one, other } = await cluster();
  using _ = world;
  fillDisk(one);
  const asked = one.ask(checkOn(["one", "other"]));
  await world.pass(30_000);
  assertEquals(await asked, [{ type: "error", code: "internal", message: "the disk is full" }]);
  for (const daemon of [one, other]) {
    assertEquals([audited(daemon), daemon.machine.asked], [[], []]);
  }
  assert(
    one.logged.some(({ event, message }) =>
      event === "store_failed" && message === "the disk is full"
    ),
  );
});

Deno.test("a node that cannot store a batch runs its checks and reports them, but starts no action", async () => {
  const { world, one, other } = await cluster();
  using _ = world;
  fillDisk(other);
  const asked = one.ask(checkOn(["other"]));
  await world.pass(10_000);
  const { other: results } = partsOf(await asked);
  assert(results !== undefined && typeof results !== "string");
  const [result] = results;
  assertEquals(result?.outcome, { status: "fail", reason: "/a does not exist" });
  assertEquals(result?.action?.end, {
    type: "refused",
    reason: "not started: this node could not record the start: the disk is full",
  });
  assertEquals([other.machine.asked, other.machine.shells], [["/a"], []]);
  assertEquals(other.audit.map(({ event }) => event), [
    "batch_accepted",
    "action_started",
    "action_refused",
  ]);
});

Deno.test("an origin that cannot store its own report retries until it can", async () => {
  using world = new DaemonWorld({ seed: 1 });
  const one = await world.add("one");
  const asked = one.ask(checkOn(["one"]));
  await world.pass(1_000);
  fillDisk(one);
  one.machine.shells[0]?.end();
  await world.pass(10_000);
  assertEquals(Object.keys(partsOf(await asked)), ["one"], "its client is told at once");
  const parts = () => one.disk.query("SELECT node, state FROM collected");
  assertEquals(parts(), [{ node: "one", state: "running" }]);
  one.disk.failure = undefined;
  await world.pass(60_000);
  assertEquals(parts(), [{ node: "one", state: "done" }]);
});
