/** What daemons remember over restarts, and what they do where they cannot. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { PATIENCE_MS, type TestCluster, withCluster } from "../support/cluster.ts";
import type { GossipcheckNode } from "../support/gossipcheck_node.ts";
import { eventually } from "../support/process.ts";
import { canMount, fillDisk, onReadOnlyDisk, onSmallDisk } from "../support/small_disk.ts";

/** Peers tell of what they have so often that a second run would show soon. */
const EAGER = ["-advertise-interval=300ms"];
const MIB = 1024 * 1024;

/** Sends a check file to the first node and does not wait; the batch's id. */
async function send(cluster: TestCluster, file: string): Promise<string> {
  const args = [`-file=${file}`, "-no-wait", "-output=json", "check"];
  const { code, stdout, stderr } = await cluster.origin.gcheck(args);
  assertEquals(code, 0, stderr);
  return (JSON.parse(stdout) as { batch: string }).batch;
}

/** Waits for one line of a node's log. */
async function logged(node: GossipcheckNode, event: string): Promise<Record<string, unknown>> {
  const what = `"${event}" at ${node.name}`;
  const line = await node.events.wait((seen) => seen.event === event, {
    what,
    timeoutMs: PATIENCE_MS,
  });
  return line.fields;
}

/** Waits until the stamps are these. */
async function stamped(cluster: TestCluster, expected: readonly string[]): Promise<void> {
  await eventually(() => assertEquals(cluster.stamps(), [...expected].sort()), {
    timeoutMs: PATIENCE_MS,
  });
}

/** Waits until each of these sees all the others alive. */
async function allMeet(nodes: readonly GossipcheckNode[]): Promise<void> {
  const names = nodes.map(({ name }) => name).sort();
  for (const node of nodes) {
    await eventually(async () => {
      const alive = [...await node.members()].filter(([, { state }]) => state === "alive");
      assertEquals(alive.map(([name]) => name).sort(), names);
    }, { timeoutMs: PATIENCE_MS });
  }
}

/** The error with which another daemon does not start. */
async function refusal(starting: Promise<GossipcheckNode>): Promise<string> {
  const error = await starting.then(() => "it started", (reason: unknown) => String(reason));
  assertStringIncludes(error, "ended with 1");
  return error.split("\n").at(-1) ?? "";
}

Deno.test("a node killed in the middle starts nothing of a batch again, and says how far it came", async () => {
  await withCluster({ size: 3, flags: [...EAGER, "-max-parallel=1"] }, async (cluster) => {
    const victim = cluster.node(1);
    const pidFile = cluster.path("pid");
    const stamp = `echo "$GOSSIPCHECK_NODE" >> '${cluster.path("runs")}'`;
    const never = cluster.path("never-there");
    const file = cluster.writeChecks("three.json", {
      ended: { type: "file_exists", path: cluster.directory },
      started: {
        type: "file_exists",
        path: never,
        action: `${stamp}; if [ "$GOSSIPCHECK_NODE" = ${victim.name} ]; then ` +
          `echo $$ > '${pidFile}.new'; mv '${pidFile}.new' '${pidFile}'; exec sleep 3600; fi`,
      },
      waiting: { type: "file_exists", path: never, action: stamp },
    });
    const batch = await send(cluster, file);
    const pid = await eventually(() => Number(Deno.readTextFileSync(pidFile)), {
      timeoutMs: PATIENCE_MS,
    });
    await victim.kill();
    Deno.kill(pid, "SIGKILL");
    const restarted = await cluster.restart(1);
    assertEquals((await logged(restarted, "batches_interrupted"))["batches"], 1);
    const answer = await cluster.results(
      batch,
      ({ states }) => assertEquals(states, { done: cluster.names }),
    );
    const results = ["ended", "started", "waiting"].map((check) =>
      answer.result(victim.name, check)
    );
    assertEquals(results.map((result) => result?.status), ["pass", "fail", "skipped"]);
    assertEquals(results.map((result) => result?.action?.end), [
      undefined,
      "interrupted",
      undefined,
    ]);
    assertStringIncludes(results[2]?.reason ?? "", "it is not run again");
    await allMeet(cluster.nodes);
    // By the end of another batch its peers have told it of the first one several times.
    assertEquals((await cluster.check(cluster.writeStampCheck())).states, { done: cluster.names });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const others = cluster.names.filter((name) => name !== victim.name);
    const expected = [...others, ...others, victim.name, ...cluster.names];
    assertEquals(cluster.stamps(), expected.sort());
    const taken = restarted.events.all.filter(({ fields }) =>
      String(fields["message"]).includes(batch)
    );
    assertEquals(taken, []);
  });
});

Deno.test("with -state-dir none a node says what that costs, and it costs that", async () => {
  await withCluster({ size: 2, flags: EAGER }, async (cluster) => {
    const forgetful = await cluster.add("forgetful", { stateDirectory: "none" });
    const warning = await logged(forgetful, "state_not_kept");
    assertEquals(warning["level"], "warn");
    assertMatch(
      String(warning["message"]),
      /-state-dir none.*batches that have not expired may run again.*-peers/,
    );
    await allMeet(cluster.nodes);
    await cluster.check(cluster.writeStampCheck());
    assertEquals(cluster.stamps(), cluster.names);
    await forgetful.kill();
    await cluster.restart(2, { join: [cluster.origin.address] });
    await stamped(cluster, [...cluster.names, "forgetful"]);
  });
});

Deno.test("results come home to an origin that was down, from a reporter that was too, and stay", async () => {
  await withCluster({ size: 3, flags: EAGER }, async (cluster) => {
    const [origin, reporter] = [cluster.origin, cluster.node(1)];
    const goOn = cluster.path("go-on");
    const wait = `while [ -e '${dirname(goOn)}' ] && ! [ -e '${goOn}' ]; do sleep 0.05; done`;
    const file = cluster.writeStampCheck({
      before: `if [ "$GOSSIPCHECK_NODE" != ${origin.name} ]; then ${wait}; fi`,
    });
    const batch = await send(cluster, file);
    await Promise.all(cluster.nodes.map((node) => logged(node, "batch_accepted")));
    await stamped(cluster, [origin.name]);
    await cluster.results(batch, (answer) => assertEquals(answer.states["done"], [origin.name]));
    await origin.kill();
    Deno.writeTextFileSync(goOn, "");
    await Promise.all([1, 2].map((index) => logged(cluster.node(index), "batch_done")));
    await reporter.kill();
    await cluster.restart(1);
    await cluster.restart(0);
    const all = { done: cluster.names };
    await cluster.results(batch, ({ states }) => assertEquals(states, all));
    await cluster.origin.leave();
    // Whoever could send them again is away: what it shows now it has kept.
    await Promise.all([1, 2].map((index) => cluster.node(index).kill()));
    await cluster.restart(0);
    const answer = await cluster.results(batch, ({ states }) => assertEquals(states, all));
    for (const name of cluster.names) {
      assertEquals(answer.result(name, "stamp")?.action?.code, 0, name);
    }
    assertEquals(cluster.stamps(), cluster.names);
  });
});

Deno.test("nodes find each other again without -peers: one that left, and all after a power cut", async () => {
  await withCluster({ size: 4, flags: [] }, async (cluster) => {
    await allMeet(cluster.nodes);
    const leaver = cluster.node(2);
    await leaver.leave();
    await cluster.origin.waitFor("left", { name: leaver.name, timeoutMs: PATIENCE_MS });
    const back = await cluster.restart(2);
    assertEquals((await logged(back, "rejoining"))["known"], 3);
    const through = (await logged(back, "join_succeeded"))["through"];
    assert(cluster.nodes.some(({ address }) => address === through), String(through));
    await allMeet(cluster.nodes);
    // What changed in the membership is written a fifth of a second later.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    for (const index of cluster.nodes.keys()) await cluster.restart(index);
    await allMeet(cluster.nodes);
  });
});

Deno.test("a second daemon on the same state ends with one line; a corrupt one is not used", async () => {
  await withCluster({ size: 1, flags: [] }, async (cluster) => {
    const { name } = cluster.origin;
    const directory = cluster.path("state");
    const database = join(directory, name, "state.db");
    const locked = await refusal(cluster.add(name));
    assertEquals(
      locked,
      `gossipcheckd: state database ${database}: database is locked; another daemon uses it: stop ` +
        "that one, or give this one another -name or -state-dir",
    );
    // A killed one would find all that it needs in the write-ahead log.
    await cluster.origin.leave();
    const { size } = Deno.statSync(database);
    Deno.writeFileSync(database, new Uint8Array(size).fill(0x5a));
    assertMatch(
      await refusal(cluster.restart(0)),
      /^gossipcheckd: state database .*: file is not a database; restore it .* may then run again$/,
    );
  });
});

Deno.test({
  name: "where state cannot be written at start, the daemon does not start",
  ignore: !canMount(),
  fn: async () => {
    await withCluster({ size: 1, flags: [] }, async (cluster) => {
      const stateDirectory = cluster.path("read only");
      Deno.mkdirSync(stateDirectory);
      const wrap = onReadOnlyDisk(stateDirectory);
      assertMatch(
        await refusal(cluster.add("new", { stateDirectory, wrap })),
        /^gossipcheckd: state directory .*read only\/new cannot be created: Read-only file system/,
      );
      const old = await cluster.add("old", { stateDirectory });
      await old.leave();
      assertMatch(
        await refusal(cluster.add("old", { stateDirectory, wrap })),
        /^gossipcheckd: state database .*cannot be written: Read-only file system .*-state-dir$/,
      );
    });
  },
});

Deno.test({
  name: "on a full disk actions are refused, visibly, and the node goes on and recovers",
  ignore: !canMount(),
  fn: async () => {
    await withCluster({ size: 1, flags: EAGER }, async (cluster) => {
      const stateDirectory = cluster.path("small");
      Deno.mkdirSync(stateDirectory);
      const wrap = onSmallDisk(stateDirectory, 2 * MIB);
      // gcheck sees another small disk than the daemon.
      const token = cluster.path("token");
      Deno.writeTextFileSync(token, "0f".repeat(32), { mode: 0o600 });
      const flags = [`-token-file=${token}`];
      const node = await cluster.add("full", { stateDirectory, wrap, flags });
      await cluster.together();
      // What the audit log adds later has room in the block that it then has.
      assertEquals((await cluster.check(cluster.writeStampCheck())).states, {
        done: cluster.names,
      });
      Deno.removeSync(cluster.path("runs"));
      const empty = fillDisk(node.pid, stateDirectory);
      // Larger than what the log of the database may have room for from before.
      const path = cluster.path("never-there");
      const file = cluster.writeChecks("large.json", {
        stamp: {
          type: "file_exists",
          path,
          action: `echo "$GOSSIPCHECK_NODE" >> '${cluster.path("runs")}'`,
        },
        large: { type: "file_contains", path, check: "x".repeat(100_000) },
      });
      const answer = await cluster.check(file);
      assertEquals(answer.states, { done: cluster.names });
      const { action, status } = answer.result("full", "stamp") ?? {};
      assertEquals([status, action?.end], ["fail", "refused"]);
      assertMatch(
        action?.reason ?? "",
        /^not started: this node could not record the start: .* disk is full; free some space/,
      );
      assertStringIncludes(String((await logged(node, "store_failed"))["message"]), "disk is full");
      assertEquals(cluster.stamps(), [cluster.origin.name]);
      // As an origin it does not issue what it could not keep results of.
      const refused = await node.gcheck([`-file=${file}`, "check"]);
      assertStringIncludes(refused.stderr, "disk is full; free some space");
      assert(refused.code !== 0);
      empty();
      assertEquals((await cluster.check(file)).states, { done: cluster.names });
      assertEquals(cluster.stamps(), [...cluster.names, cluster.origin.name].sort());
    });
  },
});
