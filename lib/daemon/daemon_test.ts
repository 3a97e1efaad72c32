/** Tests of the assembly of a daemon: two daemons in memory and virtual time. */
import { assert, assertEquals } from "@std/assert";
import { checkNamed } from "../../tests/support/batches.ts";
import { MemoryCluster, type MemoryDaemon } from "../../tests/support/memory_daemon.ts";
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
  const memory = new MemoryCluster();
  const one = await memory.add("one");
  const other = await memory.add("other");
  return { memory, one, other };
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
function audited({ audit }: MemoryDaemon) {
  return audit.filter(({ event }) => event === "batch_accepted")
    .map(({ runsHere, checks }) => ({ runsHere, checks }));
}

Deno.test("a batch for another node is stored, recorded and forwarded, and not run", async () => {
  const { memory, one, other } = await cluster();
  await using _ = memory;
  const asked = one.ask(checkOn(["other"]));
  await memory.time.pass(1_000);
  assertEquals(other.host.shells.map(({ command }) => command), ["mend"]);
  other.host.shells[0]?.end();
  await memory.time.pass(5_000);
  const replies = await asked;
  assertEquals(replies.at(-1), { type: "settled" });
  const parts = partsOf(replies);
  assertEquals(Object.keys(parts), ["other"]);
  assert(typeof parts.other !== "string");
  assertEquals(parts.other?.[0]?.action?.end, { type: "exited", code: 0 });
  assertEquals([one.host.asked, one.host.shells], [[], []]);
  assertEquals(audited(one), [{ runsHere: false, checks: ["a"] }]);
  assertEquals(audited(other), [{ runsHere: true, checks: ["a"] }]);
});

Deno.test("a batch that its origin cannot store is not sent, and gcheck gets the error of the store", async () => {
  const { memory, one, other } = await cluster();
  await using _ = memory;
  one.diskFull = true;
  const asked = one.ask(checkOn(["one", "other"]));
  await memory.time.pass(30_000);
  assertEquals(await asked, [{ type: "error", code: "internal", message: "the disk is full" }]);
  for (const daemon of [one, other]) {
    assertEquals([audited(daemon), daemon.host.asked], [[], []]);
  }
  assert(one.logged.includes("error store_failed: the disk is full"));
  one.diskFull = false;
});

Deno.test("a node that cannot store a batch runs its checks and reports them, but starts no action", async () => {
  const { memory, one, other } = await cluster();
  await using _ = memory;
  other.diskFull = true;
  const asked = one.ask(checkOn(["other"]));
  await memory.time.pass(10_000);
  const { other: results } = partsOf(await asked);
  assert(results !== undefined && typeof results !== "string");
  const [result] = results;
  assertEquals(result?.outcome, { status: "fail", reason: "/a does not exist" });
  assertEquals(result?.action?.end, {
    type: "refused",
    reason: "not started: this node could not record the start: the disk is full",
  });
  assertEquals([other.host.asked, other.host.shells], [["/a"], []]);
  assertEquals(other.audit.map(({ event }) => event), [
    "batch_accepted",
    "action_started",
    "action_refused",
  ]);
  other.diskFull = false;
});

Deno.test("an origin that cannot store its own report retries until it can", async () => {
  const memory = new MemoryCluster();
  const one = await memory.add("one");
  await using _ = memory;
  const asked = one.ask(checkOn(["one"]));
  await memory.time.pass(1_000);
  one.diskFull = true;
  one.host.shells[0]?.end();
  await memory.time.pass(10_000);
  assertEquals(Object.keys(partsOf(await asked)), ["one"], "its client is told at once");
  const parts = () => one.onDisk("SELECT node, state FROM collected");
  assertEquals(parts(), [{ node: "one", state: "running" }]);
  one.diskFull = false;
  await memory.time.pass(60_000);
  assertEquals(parts(), [{ node: "one", state: "done" }]);
});
