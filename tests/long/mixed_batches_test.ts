import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { ReportRecord } from "../../lib/cli/records.ts";
import { print } from "../../scripts/print.ts";
import { buildGoTool, missingForGo } from "../support/go_tools.ts";
import type { GossipcheckNode } from "../support/gossipcheck_node.ts";
import { MixedCluster } from "../support/mixed_cluster.ts";
import { missingForNetwork } from "../support/namespaces.ts";
import { eventually } from "../support/process.ts";

const missing = await missingForNetwork() ?? await missingForGo();
const ignore = missing !== undefined;
const because = ignore ? ` (skipped, this machine lacks ${missing})` : "";

const NODES = 20;
/** How long a straggler may take: several rounds of the second phase, some of them lost. */
const PATIENCE_MS = 180_000;
const PARTITION_MS = 60_000;

Deno.test({
  name: `30 % loss and 100 ± 50 ms: every batch runs once everywhere${because}`,
  ignore,
}, () =>
  withCluster(async ({ cluster, batches }) => {
    await cluster.network.setDelay({ delayMs: 100, jitterMs: 50, duplicatePercent: 5 });
    await cluster.network.setLoss([{ percent: 30 }]);
    const started = performance.now();
    const sent = [];
    for (const origin of cluster.ours.slice(0, 3)) sent.push(await batches.send(origin));
    await batches.untilHome(sent);
    print(`    all results home after ${Math.round(performance.now() - started)} ms`);
    batches.assertRanOnce(sent);
  }));

Deno.test({
  name: `a partition of 60 s with batches sent on both sides${because}`,
  ignore,
}, () =>
  withCluster(async ({ cluster, batches }) => {
    const [left, right] = [cluster.ours.slice(0, NODES / 2), cluster.ours.slice(NODES / 2)];
    const cut = { from: cluster.hostsOf([...cluster.bare, ...left]), to: cluster.hostsOf(right) };
    await cluster.network.cut(cut);
    const healed = new Promise((resolve) => setTimeout(resolve, PARTITION_MS));
    const sent = [];
    for (const origin of [...left.slice(0, 1), ...right.slice(0, 1)]) {
      sent.push(await batches.send(origin));
    }
    await healed;
    await cluster.network.mend(cut);
    const mended = performance.now();
    await batches.untilHome(sent);
    print(`    all results home ${Math.round(performance.now() - mended)} ms after it was mended`);
    batches.assertRanOnce(sent);
  }));

Deno.test({
  name: `one-way links, and a node that only TCP reaches${because}`,
  ignore,
}, () =>
  withCluster(async ({ cluster, batches }) => {
    const [origin, others] = [cluster.ours.slice(0, 1), cluster.ours.slice(1)];
    const deaf = cluster.hostsOf(others.slice(0, 3));
    await cluster.network.cut({ from: cluster.hostsOf(origin), to: deaf, oneWay: true });
    const tcpOnly = cluster.hostsOf(others.slice(-1));
    const rest = cluster.hostsOf(cluster.nodes).filter((host) => !tcpOnly.includes(host));
    await cluster.network.cut({ from: tcpOnly, to: rest, protocols: ["udp"] });
    const started = performance.now();
    const sent = [];
    for (const node of origin) sent.push(await batches.send(node));
    await batches.untilHome(sent);
    print(`    all results home after ${Math.round(performance.now() - started)} ms`);
    batches.assertRanOnce(sent);
  }));

/** One batch that was sent, and by whom. */
interface Sent {
  readonly origin: GossipcheckNode;
  readonly id: string;
}

/** Batches whose one action notes on disk who ran it. */
class StampedBatches {
  readonly #directory: string;
  readonly #names: readonly string[];

  constructor(options: { directory: string; names: readonly string[] }) {
    this.#directory = options.directory;
    this.#names = options.names.toSorted();
    const action = `echo "$GOSSIPCHECK_BATCH $GOSSIPCHECK_NODE" >> '${this.#runs}'`;
    const check = { type: "file_exists", path: join(options.directory, "never-there"), action };
    Deno.writeTextFileSync(this.#file, JSON.stringify({ stamp: check }));
  }

  get #file(): string {
    return join(this.#directory, "checks.json");
  }

  get #runs(): string {
    return join(this.#directory, "runs");
  }

  /** Sends one, and does not wait for more than its acceptance. */
  async send(origin: GossipcheckNode): Promise<Sent> {
    const result = await origin.gcheck([
      `-file=${this.#file}`,
      "-timeout=2s",
      "-output=json",
      "check",
    ]);
    const { batch } = JSON.parse(result.stdout) as ReportRecord;
    if (batch === undefined) throw new Error(`no batch was sent: ${result.stderr}`);
    return { origin, id: batch };
  }

  /** Waits until each origin has the outcome of every node. */
  async untilHome(sent: readonly Sent[]): Promise<void> {
    await Promise.all(sent.map(({ origin, id }) =>
      eventually(async () => {
        const { stdout } = await origin.gcheck(["-output=json", "results", id]);
        const { nodes } = JSON.parse(stdout) as ReportRecord;
        const states = nodes.map(({ node, state }) => `${node} ${state}`).sort();
        assertEquals(states, this.#names.map((name) => `${name} done`));
      }, { timeoutMs: PATIENCE_MS, intervalMs: 2000 })
    ));
  }

  /** Every node ran each of these once. */
  assertRanOnce(sent: readonly Sent[]): void {
    const runs = Deno.readTextFileSync(this.#runs).split("\n").slice(0, -1).sort();
    const expected = sent.flatMap(({ id }) => this.#names.map((name) => `${id} ${name}`));
    assertEquals(runs, expected.sort());
  }
}

async function withCluster(
  body: (stage: { cluster: MixedCluster; batches: StampedBatches }) => Promise<void>,
): Promise<void> {
  const peer = await buildGoTool("peer");
  await using stack = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "gossipcheck-batches-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  // The foreign members have no key, and actions are to run.
  const flags = ["-advertise-interval=5s", "-insecure"];
  const cluster = stack.use(await MixedCluster.start({ peer, bare: 1, ours: NODES, flags }));
  const names = cluster.ours.map(({ name }) => name);
  await body({ cluster, batches: new StampedBatches({ directory, names }) });
}
