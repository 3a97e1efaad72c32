/**
 * What a node's own operator lets batches do on it, shown with real programs: the flags, where it
 * listens, and the permissions that it keeps.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { startCluster, TestCluster } from "../support/cluster.ts";
import { GossipcheckNode, PROJECT } from "../support/gossipcheck_node.ts";
import { missingForHook, permissionProbe, withCode } from "../support/hooked_node.ts";
import { missingForNetwork, TestNetwork } from "../support/namespaces.ts";

const NO_NETWORK = await missingForNetwork();

/** A check that fails everywhere, and an action. */
function failing(action: string) {
  return { type: "file_exists", path: "/nowhere/at/all", action };
}

Deno.test("each node obeys its own flags, and the results say what it refused", async () => {
  await using cluster = new TestCluster();
  const allowed = cluster.path("allowed");
  Deno.writeTextFileSync(allowed, "# mend it\necho mended\n");
  await cluster.add("free");
  await cluster.add("checks-only", { flags: ["-no-actions"] });
  await cluster.add("listed", { flags: [`-allow-actions=${allowed}`] });
  await cluster.add("no-processes", { flags: ["-checks=file_exists,file_contains"] });
  await cluster.together();
  const answer = await cluster.check(cluster.writeChecks("checks.json", {
    listed: failing("echo mended"),
    unlisted: failing("echo mended; echo more"),
    process: { type: "process_running", path: "/" },
  }));
  const ends = (node: string) =>
    ["listed", "unlisted"].map((check) => answer.result(node, check)?.action);
  const shown = (node: string) => ends(node).map((end) => JSON.stringify(end));
  for (const node of ["free", "no-processes"]) {
    for (const text of shown(node)) assertMatch(text, /"mended\\n/);
  }
  for (const text of shown("checks-only")) {
    assertStringIncludes(text, "this node runs no actions (-no-actions)");
  }
  const [listed, unlisted] = shown("listed");
  assertMatch(listed ?? "", /"mended\\n"/);
  assertStringIncludes(unlisted ?? "", "the command is not in this node's -allow-actions file");
  for (const node of ["free", "checks-only", "listed"]) {
    assertEquals(answer.result(node, "process")?.status, "pass");
  }
  const refused = answer.result("no-processes", "process");
  assertEquals(refused?.status, "error");
  assertStringIncludes(refused?.reason ?? "", "does not allow checks of type process_running");
  assertEquals(answer.code, 1);
});

Deno.test("flags that no node can follow stop it with a line that names them", async () => {
  await using cluster = new TestCluster();
  const loose = cluster.path("loose");
  Deno.writeTextFileSync(loose, "echo\n");
  Deno.chmodSync(loose, 0o666);
  const cases: [string[], string][] = [
    [["-checks=file_exits"], "file_exists"],
    [["-checks="], "flag -checks: the list is empty"],
    [[`-allow-actions=${loose}`], "can be written by others (mode 0666)"],
    [[`-allow-actions=${loose}.no`], `flag -allow-actions: ${loose}.no does not exist`],
    [["-no-actions", `-allow-actions=${loose}`], "contradict each other"],
    [[`-trusted-keys=${loose}`], "can be written by others (mode 0666)"],
    [["-cli-bind=0.0.0.0:0"], "anyone who can reach it can command this daemon"],
    [["-token-file=/nowhere/token"], "flag -token-file: /nowhere/token does not exist"],
  ];
  for (const [flags, expected] of cases) {
    const error = await GossipcheckNode.start({ name: "n", flags }).then(
      async (node) => {
        await node[Symbol.asyncDispose]();
        return "it started";
      },
      (reason) => String(reason),
    );
    assertStringIncludes(error, expected);
    assertMatch(error, /ended with 2/);
  }
});

Deno.test({
  name: "reached over a network without a key, a node runs checks but no action of another's batch",
  ignore: NO_NETWORK !== undefined,
  fn: async () => {
    await using network = await TestNetwork.create(2);
    await using cluster = new TestCluster();
    const add = (index: number, ...flags: string[]) => {
      const host = network.host(index);
      return cluster.add(`h${index}`, {
        bind: `${host.address}:4000`,
        wrap: (line) => network.on(host, line),
        flags,
      });
    };
    const file = cluster.writeChecks("checks.json", { a: failing("echo ran") });
    const first = await add(0);
    const second = await add(1);
    await cluster.together();
    for (const node of [first, second]) {
      const lines = node.events.all.filter(({ event }) => event === "network_actions_refused");
      assertEquals(lines.map(({ fields }) => fields["level"]), ["warn"]);
    }
    const closed = await cluster.check(file);
    assertMatch(
      JSON.stringify(closed.result("h0", "a")),
      /"ran\\n"/,
      "its own client's batch runs",
    );
    const refused = JSON.stringify(closed.result("h1", "a"));
    assertStringIncludes(refused, "without requiring a cluster key");
    assertStringIncludes(refused, '"status":"fail"');

    const address = second.address;
    await second.kill();
    cluster.nodes.pop();
    await first.waitFor("failed", { name: "h1" });
    const host = network.host(1);
    await cluster.add("h1-open", {
      bind: address,
      wrap: (line) => network.on(host, line),
      flags: ["-insecure"],
    });
    await first.waitFor("join", { name: "h1-open" });
    const opened = await cluster.check(file);
    assertMatch(JSON.stringify(opened.result("h1-open", "a")), /"ran\\n"/);
  },
});

/** What the probe says that the daemon of these flags may do. */
async function mayDo(flags: readonly string[], options: { keepsState: boolean }) {
  const folder = await Deno.makeTempDir({ prefix: "gossipcheck-probe-" });
  try {
    await using node = await GossipcheckNode.start({
      name: "probed",
      flags,
      ...(options.keepsState ? { stateDirectory: join(folder, "state") } : {}),
      wrap: withCode(permissionProbe(join(folder, "written")), { folder }),
    });
    node.signal("SIGUSR2");
    const line = await node.lines.wait((text) => text.startsWith("PROBE "), {
      what: "answer of the probe",
    });
    return JSON.parse(line.slice("PROBE ".length));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const ALWAYS = {
  readsFiles: true,
  readsUser: true,
  opensSockets: true,
  readsHome: false,
  readsAnyVariable: false,
  readsHostname: false,
  readsInterfaces: false,
  runsOthers: false,
  loadsLibraries: false,
};

Deno.test({
  name: "a running daemon keeps no permission that its flags do not need",
  ignore: missingForHook() !== undefined,
  fn: async () => {
    assertEquals(await mayDo([], { keepsState: true }), {
      ...ALWAYS,
      writesFiles: true,
      runsShell: true,
    });
    assertEquals(await mayDo(["-no-actions"], { keepsState: false }), {
      ...ALWAYS,
      writesFiles: false,
      runsShell: true,
    });
    const checks = "-checks=file_exists,file_contains";
    assertEquals(await mayDo(["-no-actions", checks], { keepsState: false }), {
      ...ALWAYS,
      writesFiles: false,
      runsShell: false,
    });
  },
});

Deno.test("a node that may start no process still decides checks of files", async () => {
  await using cluster = await startCluster({
    size: 1,
    flags: ["-no-actions", "-checks=file_exists,file_contains"],
  });
  const answer = await cluster.check(cluster.writeChecks("checks.json", {
    hosts: { type: "file_exists", path: "/etc/hosts" },
    kernel: { type: "file_exists", path: "/proc/version" },
    mended: failing("echo no"),
  }));
  assertEquals(answer.result("n00", "hosts")?.status, "pass");
  const kernel = answer.result("n00", "kernel");
  assert(kernel?.status === "error", "what only a helper process could see is not decided");
  assertStringIncludes(JSON.stringify(answer.result("n00", "mended")), "-no-actions");
});

Deno.test("SECURITY.md says of every permission what it is for, and of none that is not asked for", () => {
  const { permissions } = JSON.parse(Deno.readTextFileSync(join(PROJECT, "deno.json")));
  const asked = ["gossipcheckd", "gcheck"].flatMap((program) =>
    Object.entries(permissions[program]).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [""]).map((what) => `${program} ${name} ${what}`.trimEnd())
    )
  );
  const rows = Deno.readTextFileSync(join(PROJECT, "SECURITY.md"))
    .matchAll(/^\| `(gossipcheckd|gcheck)` +\| ([^|]+)\| [^|]*\S[^|]*\| [^|]*\S[^|]*\|$/gm);
  const told = [...rows].flatMap(([, program, cell = ""]) => {
    const [name, ...what] = [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
    return (what.length === 0 ? [""] : what).map((each) => `${program} ${name} ${each}`.trimEnd());
  });
  assertEquals(told.sort(), asked.sort());
});
