/** Faults while a batch runs: a node that dies, one that does not read, one that stands still. */
import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { dirname } from "@std/path";
import { splitHostPort } from "../../lib/address.ts";
import { PATIENCE_MS, type TestCluster, withCluster } from "../support/cluster.ts";
import { DeafNode } from "../support/deaf_node.ts";
import { eventually } from "../support/process.ts";

/** Waits until `count` stamps were written. */
async function stamped(cluster: TestCluster, count: number): Promise<void> {
  await eventually(() => assertGreater(cluster.stamps().length, count - 1), {
    timeoutMs: PATIENCE_MS,
  });
}

/** Shell that waits until `path` is there, and not longer than the cluster's folder. */
function waitFor(path: string): string {
  return `while [ -e '${dirname(path)}' ] && ! [ -e '${path}' ]; do sleep 0.05; done`;
}

Deno.test("a node killed in the middle is unreached long before the timeout, exit status 3", async () => {
  await withCluster({ size: 5, flags: [] }, async (cluster) => {
    const victim = cluster.node(3);
    const pidFile = cluster.path("pid");
    const file = cluster.writeStampCheck({
      before: `if [ "$GOSSIPCHECK_NODE" = ${victim.name} ]; then ` +
        `echo $$ > '${pidFile}.new'; mv '${pidFile}.new' '${pidFile}'; exec sleep 3600; fi`,
    });
    // Waiting to the timeout would take far longer than the runner of this test waits.
    const checking = cluster.check(file, ["-timeout=2h"]);
    const pid = await eventually(() => Number(Deno.readTextFileSync(pidFile)), {
      timeoutMs: PATIENCE_MS,
    });
    try {
      await victim.kill();
      const answer = await checking;
      const others = cluster.names.filter((name) => name !== victim.name);
      assertEquals(answer.states, { done: others, unreached: [victim.name] });
      assertEquals(answer.code, 3);
      assertEquals(
        answer.report.nodes.find(({ node }) => node === victim.name)?.member_state,
        "failed",
      );
      assertEquals(cluster.stamps(), others);
    } finally {
      Deno.kill(pid, "SIGKILL");
    }
  });
});

Deno.test("a member that accepts connections and never reads delays nobody else", async () => {
  await withCluster({ size: 4, flags: [] }, async (cluster) => {
    const peer = splitHostPort(cluster.origin.address);
    await using deaf = new DeafNode({
      name: "deaf",
      peer: { host: peer.hostname, port: peer.port },
    });
    await Promise.all(
      cluster.nodes.map((node) => node.waitFor("join", { name: "deaf", timeoutMs: PATIENCE_MS })),
    );
    const checking = cluster.check(cluster.writeStampCheck(), ["-timeout=20s"]);
    const answer = await checking;
    assertEquals(answer.states, { done: cluster.names, unanswered: ["deaf"] });
    assertEquals(answer.code, 3);
    assertEquals(cluster.stamps(), cluster.names);
    assertGreater(deaf.accepted, 0);
  });
});

Deno.test("a node that stands still for the burst runs the batch once when it goes on", async () => {
  await withCluster({ size: 5, flags: ["-advertise-interval=1s"] }, async (cluster) => {
    const sleeper = cluster.node(2);
    const file = cluster.writeStampCheck();
    sleeper.signal("SIGSTOP");
    const sent = await cluster.origin.gcheck([
      `-file=${file}`,
      "-no-wait",
      "-output=json",
      "check",
    ]);
    assertEquals(sent.code, 0, sent.stderr);
    const { batch } = JSON.parse(sent.stdout) as { batch: string };
    await stamped(cluster, cluster.names.length - 1);
    assertEquals(cluster.stamps(), cluster.names.filter((name) => name !== sleeper.name));
    sleeper.signal("SIGCONT");
    const answer = await cluster.results(
      batch,
      ({ states }) => assertEquals(states, { done: cluster.names }),
    );
    assertEquals(answer.result(sleeper.name, "stamp")?.action?.code, 0);
    // Another batch takes the same ways: by its end a second run of the first would have shown.
    assertEquals((await cluster.check(file)).states, { done: cluster.names });
    const twice = cluster.names.flatMap((name) => [name, name]);
    assertEquals(cluster.stamps(), twice);
  });
});

Deno.test("a daemon that is told to stop lets its actions finish, sends its results home, and leaves last", async () => {
  await withCluster({ size: 3, flags: [] }, async (cluster) => {
    const leaver = cluster.node(1);
    const started = cluster.path("started");
    const goOn = cluster.path("go-on");
    const file = cluster.writeStampCheck({
      before: `if [ "$GOSSIPCHECK_NODE" = ${leaver.name} ]; then ` +
        `: > '${started}'; ${waitFor(goOn)}; fi`,
    });
    const checking = cluster.check(file);
    await eventually(() => Deno.statSync(started), { timeoutMs: PATIENCE_MS });
    const leaving = leaver.leave();
    await leaver.events.wait(({ event }) => event === "daemon_stopping", {
      what: "start of the stop",
      timeoutMs: PATIENCE_MS,
    });
    const refused = await leaver.gcheck([`-file=${file}`, "check"]);
    assertStringIncludes(refused.stderr, "this daemon is stopping; try another one");
    Deno.writeTextFileSync(goOn, "");
    // Who waits sees the results, and no member that left.
    const answer = await checking;
    assertEquals(answer.states, { done: cluster.names });
    assertEquals(answer.code, 1);
    assertEquals(answer.result(leaver.name, "stamp")?.action?.code, 0);
    await leaving;
    await cluster.origin.waitFor("left", { name: leaver.name, timeoutMs: PATIENCE_MS });
    assertEquals(cluster.stamps(), cluster.names);
    const failed = cluster.origin.events.all.filter(({ event }) => event === "failed");
    assertEquals(failed, []);
  });
});

Deno.test("a second signal ends a stopping daemon at once", async () => {
  await withCluster({ size: 1, flags: [] }, async (cluster) => {
    const started = cluster.path("started");
    const never = waitFor(cluster.path("go-on"));
    const file = cluster.writeStampCheck({ before: `: > '${started}'; ${never}` });
    const sent = await cluster.origin.gcheck([`-file=${file}`, "-no-wait", "check"]);
    assertEquals(sent.code, 0, sent.stderr);
    await eventually(() => Deno.statSync(started), { timeoutMs: PATIENCE_MS });
    cluster.origin.signal("SIGTERM");
    await cluster.origin.events.wait(({ event }) => event === "daemon_stopping", {
      what: "start of the stop",
      timeoutMs: PATIENCE_MS,
    });
    cluster.origin.signal("SIGTERM");
    assertEquals((await cluster.origin.status).code, 130);
  });
});

Deno.test({
  name: "where the daemon may not run /bin/sh, actions are refused and the node goes on",
  // An executable's permissions are baked in.
  ignore: Deno.env.has("GOSSIPCHECKD"),
  fn: refusesActions,
});

async function refusesActions(): Promise<void> {
  await withCluster({ size: 1, flags: [] }, async (cluster) => {
    const bound = await cluster.add("bound", {
      wrap: (line) => ({
        ...line,
        args: line.args.flatMap((arg) =>
          arg === "-P=gossipcheckd"
            ? ["--no-prompt", "--allow-net", "--allow-read", "--allow-sys", "--allow-write"]
            : [arg]
        ),
      }),
    });
    await cluster.together();
    const file = cluster.writeStampCheck();
    for (let batch = 1; batch <= 2; batch++) {
      const answer = await cluster.check(file);
      assertEquals(answer.states, { done: cluster.names });
      const action = answer.result(bound.name, "stamp")?.action;
      assertEquals(action?.end, "refused");
      assertStringIncludes(action?.reason ?? "", "/bin/sh");
      assertEquals(cluster.stamps().length, batch);
    }
  });
}
