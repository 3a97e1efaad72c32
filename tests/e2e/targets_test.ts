/**
 * Whom a batch is for, its stages, its end and its cancellation, with real programs: what ran where
 * is told by the lines that actions append to a file.
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { BatchRecord } from "../../lib/cli/json_records.ts";
import { nodeName, PATIENCE_MS, TestCluster } from "../support/cluster.ts";
import type { GossipcheckNode } from "../support/gossipcheck_node.ts";
import { eventually } from "../support/process.ts";

const SIZE = 6;

/** Six daemons: the even ones are web servers, all but the last are in zone a. */
async function startTagged(): Promise<TestCluster> {
  await using starting = new AsyncDisposableStack();
  const cluster = starting.use(new TestCluster({ flags: ["-advertise-interval=1s"] }));
  for (let index = 0; index < SIZE; index++) {
    const role = index % 2 === 0 ? "web" : "db";
    await cluster.add(nodeName(index), { tags: { role, zone: index === SIZE - 1 ? "b" : "a" } });
  }
  await cluster.together();
  starting.move();
  return cluster;
}

/** A check that fails everywhere and whose action appends to a file: its file, and those lines. */
function stampFile(
  cluster: TestCluster,
  options: { name: string; action?: string },
): { file: string; lines: () => string[] } {
  const { name } = options;
  const stamps = cluster.path(`${name}.runs`);
  const action = options.action ?? 'echo "$GOSSIPCHECK_NODE" >> "$STAMPS"';
  const file = cluster.writeChecks(`${name}.json`, {
    stamp: {
      type: "file_exists",
      path: cluster.path("never-there"),
      action: `STAMPS='${stamps}'\n${action}`,
    },
  });
  const lines = () => {
    try {
      return Deno.readTextFileSync(stamps).split("\n").slice(0, -1);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  };
  return { file, lines };
}

/** Sends a batch without waiting for it; its id. */
async function send(cluster: TestCluster, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.origin.gcheck(["-no-wait", ...args, "check"]);
  assertEquals([code, stderr], [0, ""]);
  return stdout.trim();
}

async function cancel(node: GossipcheckNode, id: string): Promise<void> {
  const { code, stdout, stderr } = await node.gcheck(["cancel", id]);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "is cancelled");
}

function names(...indexes: number[]): string[] {
  return indexes.map(nodeName);
}

Deno.test("a batch runs on the nodes that it is for, exactly once, and on no other", async () => {
  await using cluster = await startTagged();
  const cases: [string[], string[] | number][] = [
    [["-target=role=web"], names(0, 2, 4)],
    [["-target=role!=web,zone=a"], names(1, 3)],
    [["-nodes=n01,n05"], names(1, 5)],
    [["-nodes", "'n0?',other-*", "-target=zone!=a"], names(5)],
    [["-limit=2"], 2],
    [["-limit=50%"], 3],
    [["-limit=10%", "-target=role=db"], 1],
    [[], names(0, 1, 2, 3, 4, 5)],
  ];
  for (const [index, [flags, expected]] of cases.entries()) {
    const { file, lines } = stampFile(cluster, { name: `case-${index}` });
    const { code, report, states } = await cluster.check(file, flags);
    assertEquals([code, Object.keys(states)], [1, ["done"]], flags.join(" "));
    const asked = report.nodes.map(({ node }) => node);
    if (typeof expected === "number") assertEquals(asked.length, expected, flags.join(" "));
    else assertEquals(asked, expected, flags.join(" "));
    assertEquals(lines().sort(), asked, flags.join(" "));
  }
  const nobody = await cluster.origin.gcheck([
    "-nodes=n9",
    `-file=${cluster.path("case-0.json")}`,
    "check",
  ]);
  assertEquals(nobody.code, 2);
  assertStringIncludes(nobody.stderr, 'no member is named "n9"');
});

Deno.test("a roll-out goes stage by stage, and stops where too many fail", async () => {
  await using cluster = await startTagged();
  // Written at the start and at the end of each run, so that the order of the lines shows stages.
  const action =
    'echo "$GOSSIPCHECK_NODE" >> "$STAMPS"; sleep 0.2; echo "$GOSSIPCHECK_NODE" >> "$STAMPS"';
  const failing = stampFile(cluster, { name: "failing", action });
  const stopped = await cluster.check(failing.file, ["-batch-size=2", "-max-failures=2"]);
  assertEquals(stopped.code, 1);
  const [first, second] = [failing.lines().slice(0, 4), failing.lines().slice(4)];
  assertEquals([first.length, second.length], [4, 4]);
  assertEquals([new Set(first).size, new Set(second).size], [2, 2]);
  assertEquals(new Set([...first, ...second]).size, 4);
  assertEquals(stopped.states["done"], [...new Set([...first, ...second])].sort());
  const spared = stopped.report.nodes.filter(({ state }) => state === "skipped");
  assertEquals(spared.map(({ skip_reason }) => skip_reason), [
    "rollout_stopped",
    "rollout_stopped",
  ]);
  assertEquals(stopped.report.rollout, {
    stage: 2,
    stages: 3,
    failures: 4,
    max_failures: 2,
    stopped: true,
  });
  const shown = await cluster.origin.gcheck(["results", String(stopped.report.batch)]);
  assertEquals(shown.code, 1);
  assertStringIncludes(shown.stdout, "roll-out stopped at stage 2 of 3: 4 nodes failed");

  const passing = cluster.writeChecks("passing.json", {
    folder: { type: "file_exists", path: cluster.directory },
  });
  const through = await cluster.check(passing, ["-batch-size=34%"]);
  assertEquals([through.code, through.states["done"]?.length], [0, SIZE]);
  assertEquals(through.report.rollout?.stages, 2);
});

Deno.test("cancel ends what runs everywhere with its children, and starts nothing more", async () => {
  await using cluster = await startTagged();
  const action = 'sleep 600 & echo "$$ $!" >> "$STAMPS"; wait';
  const running = stampFile(cluster, { name: "running", action });
  const batch = await send(cluster, [`-file=${running.file}`]);
  await eventually(() => assertEquals(running.lines().length, SIZE), { timeoutMs: PATIENCE_MS });
  const processes = running.lines().flatMap((line) => line.split(" "));
  assertEquals(processes.filter(isAlive), processes);
  // Any node can be asked, by the start of the id.
  await cancel(cluster.node(SIZE - 1), batch);
  await cancel(cluster.origin, batch.slice(0, 20).toLowerCase());
  const ended = await cluster.results(batch, ({ states }) => {
    assertEquals(states["done"]?.length, SIZE);
  });
  assertEquals([ended.code, ended.report.cancelled], [1, true]);
  for (const name of cluster.names) {
    assertEquals(ended.result(name, "stamp")?.action?.end, "aborted", name);
  }
  await eventually(() => assertEquals(processes.filter(isAlive), []), { timeoutMs: PATIENCE_MS });

  const staged = stampFile(cluster, { name: "staged", action });
  const second = await send(cluster, [`-file=${staged.file}`, "-batch-size=1"]);
  await eventually(() => assertEquals(staged.lines().length, 1), { timeoutMs: PATIENCE_MS });
  await cancel(cluster.origin, second);
  const spared = await cluster.results(
    second,
    ({ states }) => assertEquals(states["done"]?.length, 1),
  );
  assertEquals(spared.states["skipped"]?.length, SIZE - 1);
  assertEquals(staged.lines().length, 1);

  // Who comes later hears of the batches and that they are cancelled.
  const late = await cluster.add("late");
  const told = await cluster.results(batch, ({ states }) => {
    assertEquals(states["done"]?.length, SIZE + 1);
  });
  assertEquals(told.result(late.name, "stamp")?.status, "skipped");
  assertEquals(told.result(late.name, "stamp")?.action, undefined);
  assertEquals(running.lines().length, SIZE);

  const unknown = await cluster.origin.gcheck(["cancel", "01JGFJJZ00ABCDEFGHJKMNPQRS"]);
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.stderr, "does not know batch");
});

Deno.test("a batch that has expired is run by nobody who comes later, and still shown", async () => {
  await using cluster = await startTagged();
  const short = stampFile(cluster, { name: "short" });
  const lasting = stampFile(cluster, { name: "lasting" });
  const { report } = await cluster.check(short.file, ["-expires=1s"]);
  const ran = short.lines().sort();
  assert(ran.length > 0);
  await cluster.check(lasting.file, ["-expires=never"]);
  await eventually(async () => {
    const { stdout } = await cluster.origin.gcheck(["-output=jsonl", "results"]);
    const batches = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as BatchRecord);
    assertEquals(batches.map((batch) => batch.expires_at), [null, undefined]);
    assertEquals(batches[1]?.batch, report.batch);
  }, { timeoutMs: PATIENCE_MS });
  await cluster.add("late");
  // It takes both from the same digests, if it takes them at all.
  await eventually(() => assert(lasting.lines().includes("late")), { timeoutMs: PATIENCE_MS });
  assertEquals(short.lines().sort(), ran);
  const shown = await cluster.results(String(report.batch), () => {});
  assertEquals(shown.states["done"], ran);
});

function isAlive(pid: string): boolean {
  try {
    // A zombie has ended; only its parent has yet to hear of it.
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
