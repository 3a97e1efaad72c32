/**
 * Runs clusters of our daemons, and of one bare memberlist node if Go is installed, each in its own
 * network namespace.
 * @module
 */
import { join } from "@std/path";
import { print } from "../../scripts/print.ts";
import { FaultBatches, type SentBatch } from "./fault_batches.ts";
import { preloading, writePreload } from "./fault_preload.ts";
import { GoPeer } from "./go_peer.ts";
import { GossipcheckNode } from "./gossipcheck_node.ts";
import { type NetworkHost, TestNetwork } from "./namespaces.ts";
import { type CommandLine, eventually } from "./process.ts";

/** Number of daemons that start at the same time. */
const STARTS_AT_ONCE = 2;

/** How to start a cluster. */
export interface FaultClusterOptions {
  /** Number of our daemons. */
  readonly size: number;
  /** The built `tests/go/peer`, for one bare memberlist node; by default there is none. */
  readonly peer?: string;
  /** Clock offsets in milliseconds, by node name. */
  readonly clockShiftsMs?: Readonly<Record<string, number>>;
}

/** A cluster in its own network. Disposing of it kills the nodes and removes the network. */
export class FaultCluster implements AsyncDisposable {
  readonly #options: FaultClusterOptions;
  readonly #directory: string;
  readonly #nodes = new Map<string, GossipcheckNode>();
  #bare: GoPeer | undefined;
  /** The network. Our nodes run on its first hosts. */
  readonly network: TestNetwork;
  /** Sends batches and follows them. */
  readonly batches: FaultBatches;

  /** Takes what `start` has made. */
  constructor(options: FaultClusterOptions & { network: TestNetwork; directory: string }) {
    this.#options = options;
    this.#directory = options.directory;
    this.network = options.network;
    this.batches = new FaultBatches({ directory: options.directory });
  }

  /** Starts a cluster and waits until every node sees every other one. */
  static async start(options: FaultClusterOptions): Promise<FaultCluster> {
    const network = await TestNetwork.create(options.size + (options.peer === undefined ? 0 : 1));
    const directory = await Deno.makeTempDir({ prefix: "gossipcheck-faults-" });
    const cluster = new FaultCluster({ ...options, network, directory });
    try {
      await cluster.#startAll();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Our daemons, sorted by name. */
  get nodes(): readonly GossipcheckNode[] {
    return [...this.#nodes.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** The sorted names of our daemons. */
  get names(): string[] {
    return this.nodes.map(({ name }) => name);
  }

  /** The hosts of these nodes; by default of all nodes, including the bare one. */
  hosts(
    names: readonly string[] = this.network.hosts.map((_, index) => nameOf(index)),
  ): NetworkHost[] {
    return names.map((name) => this.network.host(Number(name.slice(1))));
  }

  /** Our daemon of this name. */
  node(name: string): GossipcheckNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new RangeError(`the cluster runs no node ${name}`);
    return node;
  }

  /** Kills a daemon with SIGKILL. */
  async kill(name: string): Promise<void> {
    await this.node(name)[Symbol.asyncDispose]();
    this.#nodes.delete(name);
  }

  /** Starts a daemon; if it ran before, with the state that it had. */
  async add(name: string): Promise<GossipcheckNode> {
    const [host] = this.hosts([name]);
    if (host === undefined) throw new RangeError(`the network has no host for ${name}`);
    const shiftMs = this.#options.clockShiftsMs?.[name] ?? 0;
    const preload = shiftMs === 0 ? undefined : this.#writeClock(name, shiftMs);
    const wrap = (line: CommandLine) => {
      const daemon = line.args.includes("main.ts");
      return this.network.on(host, daemon && preload ? preloading(line, preload) : line);
    };
    const seeds = [this.#bare, ...this.nodes].slice(0, 2).filter((seed) => seed !== undefined);
    const node = await GossipcheckNode.start({
      stateDirectory: join(this.#directory, "state"),
      ...{ name, wrap, bind: `${host.address}:7946`, join: seeds.map(({ address }) => address) },
      flags: [
        "-advertise-interval=5s",
        "-log-level=info",
        "-insecure",
      ],
    });
    this.#nodes.set(name, node);
    return node;
  }

  /** Waits until every one of our nodes lists all of them as alive. */
  async together(): Promise<void> {
    const expected = this.names.join(" ");
    for (const node of this.nodes) {
      await eventually(async () => {
        const alive = Array.from((await node.members()).values())
          .filter(({ state, runsGossipcheck }) => state === "alive" && runsGossipcheck);
        const seen = alive.map(({ name }) => name).sort().join(" ");
        if (seen !== expected) throw new Error(`${node.name} lists as alive ${seen}`);
      }, { intervalMs: 1_000 });
    }
  }

  /**
   * Waits until the origin of each batch has the results of all `names`, by default of all nodes.
   * Prints how long that took, and asserts that every node ran every batch once.
   */
  async assertAllHome(
    sent: Readonly<Record<string, SentBatch>>,
    options: { readonly timeoutMs: number; readonly names?: readonly string[] },
  ): Promise<void> {
    const names = options.names ?? this.names;
    await Promise.all(
      Object.entries(sent).map(async ([what, batch]) => {
        const tookMs = await this.batches.untilHome(batch, { names, timeoutMs: options.timeoutMs });
        print(`    ${what}: ${names.length} results after ${Math.round(tookMs)} ms`);
      }),
    );
    this.batches.assertRanOnce(new Map(Object.values(sent).map((batch) => [batch, names])));
  }

  /** Kills all nodes and removes the network and the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await this.#bare?.[Symbol.asyncDispose]();
    await this.network[Symbol.asyncDispose]();
    await Deno.remove(this.#directory, { recursive: true });
  }

  async #startAll(): Promise<void> {
    const { size, peer: program } = this.#options;
    const names = Array.from({ length: size }, (_, index) => nameOf(index));
    if (program !== undefined) {
      const host = this.network.host(size);
      const wrap = (line: CommandLine) => this.network.on(host, line);
      const bind = `${host.address}:7946`;
      this.#bare = await GoPeer.start({ program, name: nameOf(size), bind, wrap });
    }
    await this.add(names.shift() ?? nameOf(0));
    const startSome = async () => {
      for (let name; (name = names.shift()) !== undefined;) await this.add(name);
    };
    await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startSome));
    await this.together();
  }

  #writeClock(name: string, shiftMs: number): string {
    const path = join(this.#directory, `clock-${name}.ts`);
    writePreload(path, { module: "fault_clock.ts", call: "shiftClock", argument: shiftMs });
    return path;
  }
}

/** The name of the node on a host: `n00`, `n01`, … */
function nameOf(index: number): string {
  return `n${String(index).padStart(2, "0")}`;
}
