/** A node that only UDP reaches, on a real network: messages are sent to it in packets. */
import { assertEquals } from "@std/assert";
import { print } from "../../scripts/print.ts";
import { nodeName, PATIENCE_MS, TestCluster } from "../support/cluster.ts";
import { type Cut, missingForNetwork, TestNetwork } from "../support/namespaces.ts";
import type { CommandLine } from "../support/process.ts";

const missing = await missingForNetwork();
const ignore = missing !== undefined;
const because = ignore ? ` (skipped, this machine lacks ${missing})` : "";

const NODES = 5;
/** Makes a batch a few hundred packets long. */
const PADDING = `# ${"x".repeat(40_000)}`;

/** A cluster with a key, each node in a namespace of its own. */
async function startCluster(network: TestNetwork, stack: AsyncDisposableStack) {
  const cluster = stack.use(new TestCluster());
  const keyring = cluster.path("keyring.json");
  const key = btoa(String.fromCharCode(...new Uint8Array(32).fill(7)));
  Deno.writeTextFileSync(keyring, JSON.stringify([key]), { mode: 0o600 });
  for (let index = 0; index < NODES; index++) {
    const host = network.host(index);
    await cluster.add(nodeName(index), {
      bind: `${host.address}:3505`,
      wrap: (line: CommandLine) => network.on(host, line),
      flags: [`-keyring-file=${keyring}`, "-advertise-interval=5s"],
    });
  }
  await cluster.together();
  return cluster;
}

for (const lossPercent of [0, 30]) {
  const name =
    `a node that only UDP reaches, at a loss of ${lossPercent} %, runs every batch once ` +
    `and its results reach the origin${because}`;
  Deno.test({ name, ignore }, async () => {
    await using stack = new AsyncDisposableStack();
    const network = stack.use(await TestNetwork.create(NODES));
    const cluster = await startCluster(network, stack);
    const isolated = network.host(NODES - 1);
    const others = network.hosts.slice(0, NODES - 1);
    const cut: Cut = { from: [isolated], to: others, protocols: ["tcp"] };
    await network.cut(cut);
    const udp = { percent: lossPercent, protocol: "udp" } as const;
    if (lossPercent > 0) {
      await network.setLoss([{ ...udp, from: isolated }, { ...udp, to: isolated }]);
    }
    const small = cluster.writeStampCheck();
    const large = cluster.writeChecks("large.json", {
      stamp: { type: "file_exists", path: "/nowhere", action: stampAction(cluster, PADDING) },
      ...Object.fromEntries(
        Array.from({ length: 8 }, (_, index) => [
          `padding-${index}`,
          { type: "file_exists", path: "/", action: PADDING },
        ]),
      ),
    });
    let runs = 0;
    for (const origin of [cluster.origin, cluster.node(NODES - 1)]) {
      for (const file of [small, large]) {
        const startedMs = performance.now();
        const { code, stdout, stderr } = await origin.gcheck(
          [`-file=${file}`, `-timeout=${PATIENCE_MS}ms`, "-output=json", "check"],
          { timeoutMs: 2 * PATIENCE_MS },
        );
        assertEquals(code, 1, stderr);
        const { nodes } = JSON.parse(stdout) as { nodes: { node: string; state: string }[] };
        const done = nodes.filter(({ state }) => state === "done").map(({ node }) => node).sort();
        assertEquals(done, cluster.names);
        const tookMs = Math.round(performance.now() - startedMs);
        const what = file === small ? "small" : "of 320 kB";
        print(
          `    a batch ${what} from ${origin.name}: all results at the origin after ${tookMs} ms`,
        );
        runs++;
      }
    }
    const expected = cluster.names.flatMap((node) => Array(runs).fill(node));
    assertEquals(cluster.stamps(), expected);
  });
}

/** A shell script: a comment, and a command that appends the node's name to the file that `stamps` reads. */
function stampAction(cluster: TestCluster, comment: string): string {
  return `${comment}\necho "$GOSSIPCHECK_NODE" >> '${cluster.path("runs")}'`;
}
