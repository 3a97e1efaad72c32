/**
 * Our daemons, and one bare memberlist node among them where Go is there, each in a network
 * namespace of its own.
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

/** Nodes that start at the same time. */
const STARTS_AT_ONCE = 2;
/** How long the nodes may take to find each other on a whole network. */
const MEETING_MS = 120_000;

/** What a cluster is made of. */
export interface FaultClusterOptions {
  /** Daemons of ours. */
  readonly size: number;
  /** The built `tests/go/peer`, which adds one bare memberlist node; absent for none. */
  readonly peer?: string;
  /** How far the clocks of some nodes are off, in milliseconds, by the nodes' names. */
  readonly clockShiftsMs?: Readonly<Record<string, number>>;
}

/** One cluster in a network of its own. Disposing of it ends all and removes all. */
export class FaultCluster implements AsyncDisposable {
  readonly #options: FaultClusterOptions;
  readonly #directory: string;
  readonly #nodes = new Map<string, GossipcheckNode>();
  #bare: GoPeer | undefined;
  /** The network. Its first hosts are those of our nodes. */
  readonly network: TestNetwork;
  /** What is sent through it. */
  readonly batches: FaultBatches;

  /** Takes over what `start` made. */
  constructor(options: FaultClusterOptions & { network: TestNetwork; directory: string }) {
    this.#options = options;
    this.#directory = options.directory;
    this.network = options.network;
    this.batches = new FaultBatches({ directory: options.directory });
  }

  /** Starts one and waits until all see all. */
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

  /** Our daemons, in the order of their names. */
  get nodes(): readonly GossipcheckNode[] {
    return [...this.#nodes.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** Their names. */
  get names(): string[] {
    return this.nodes.map(({ name }) => name);
  }

  /** The namespaces of these nodes; of all, the bare one's too, by default. */
  hosts(
    names: readonly string[] = this.network.hosts.map((_, index) => nameOf(index)),
  ): NetworkHost[] {
    return names.map((name) => this.network.host(Number(name.slice(1))));
  }

  /** One of our daemons. */
  node(name: string): GossipcheckNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new RangeError(`the cluster runs no node ${name}`);
    return node;
  }

  /** Kills a daemon as a power cut would. */
  async kill(name: string): Promise<void> {
    await this.node(name)[Symbol.asyncDispose]();
    this.#nodes.delete(name);
  }

  /** Starts a daemon, with the state that it had where it ran before. */
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

  /** Waits until each of our nodes holds each of them alive. */
  async together(): Promise<void> {
    const expected = this.names.join(" ");
    for (const node of this.nodes) {
      await eventually(async () => {
        const alive = Array.from((await node.members()).values())
          .filter(({ state, runsGossipcheck }) => state === "alive" && runsGossipcheck);
        const seen = alive.map(({ name }) => name).sort().join(" ");
        if (seen !== expected) throw new Error(`${node.name} holds alive ${seen}`);
      }, { timeoutMs: MEETING_MS, intervalMs: 1_000 });
    }
  }

  /**
   * Waits until the results of every one of `names`, all by default, are home, prints how long that
   * took for each batch, and asserts that every node ran every batch once.
   */
  async assertAllHome(
    sent: Readonly<Record<string, SentBatch>>,
    options: { readonly timeoutMs: number; readonly names?: readonly string[] },
  ): Promise<void> {
    const names = options.names ?? this.names;
    await Promise.all(
      Object.entries(sent).map(async ([what, batch]) => {
        const tookMs = await this.batches.untilHome(batch, { names, timeoutMs: options.timeoutMs });
        print(`    ${what}: ${names.length} results home after ${Math.round(tookMs)} ms`);
      }),
    );
    this.batches.assertRanOnce(new Map(Object.values(sent).map((batch) => [batch, names])));
  }

  /** Ends all and removes all. */
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

/** `n00`, `n01`, …: the node on a host. */
function nameOf(index: number): string {
  return `n${String(index).padStart(2, "0")}`;
}
