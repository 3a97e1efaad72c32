/**
 * Runs clusters of our nodes and bare memberlist nodes, each in its own network namespace.
 * @module
 */
import type { ClusterNode } from "./cluster_node.ts";
import { FalseFailureCount, type FalseFailures } from "./false_failures.ts";
import { GoPeer } from "./go_peer.ts";
import { GossipcheckNode } from "./gossipcheck_node.ts";
import { type NetworkHost, TestNetwork } from "./namespaces.ts";
import { type CommandLine, eventually } from "./process.ts";
import { PATIENCE_MS } from "./process_events.ts";

/** How to start a cluster. */
export interface MixedClusterOptions {
  /** The executable of `tests/go/peer`. */
  readonly peer: string;
  /** Number of bare memberlist nodes, at least one. */
  readonly bare: number;
  /** Number of our nodes. */
  readonly ours: number;
  /** Further flags of our nodes. */
  readonly flags?: readonly string[];
}

/** A cluster in its own network. Disposing of it kills the nodes and removes the network. */
export class MixedCluster implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  /** Its network. */
  readonly network: TestNetwork;
  /** The memberlist nodes. */
  readonly bare: readonly GoPeer[];
  /** Our nodes. */
  readonly ours: readonly GossipcheckNode[];

  /** Takes what `start` has started. */
  constructor(options: {
    stack: AsyncDisposableStack;
    network: TestNetwork;
    bare: readonly GoPeer[];
    ours: readonly GossipcheckNode[];
  }) {
    this.#stack = options.stack;
    this.network = options.network;
    this.bare = options.bare;
    this.ours = options.ours;
  }

  /** Starts a cluster and waits until every node sees every other one. */
  static async start(options: MixedClusterOptions): Promise<MixedCluster> {
    await using stack = new AsyncDisposableStack();
    const network = stack.use(await TestNetwork.create(options.bare + options.ours));
    const place = (index: number) => {
      const host = network.host(index);
      const name = index < options.bare ? `bare-${index}` : `ours-${index - options.bare}`;
      const wrap = (line: CommandLine) => network.on(host, line);
      return { name, bind: `${host.address}:7946`, wrap };
    };
    const bare: GoPeer[] = [];
    for (let index = 0; index < options.bare; index++) {
      const join = bare[0] === undefined ? {} : { join: [bare[0].address] };
      const program = options.peer;
      bare.push(stack.use(await GoPeer.start({ ...place(index), ...join, program })));
    }
    const join = bare.slice(0, 2).map(({ address }) => address);
    const ours: GossipcheckNode[] = [];
    for (let index = options.bare; index < network.hosts.length; index++) {
      ours.push(
        stack.use(
          await GossipcheckNode.start({ ...place(index), join, flags: options.flags ?? [] }),
        ),
      );
    }
    const cluster = new MixedCluster({ stack: stack.move(), network, bare, ours });
    try {
      await cluster.untilAllSee(cluster.names);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get nodes(): readonly ClusterNode[] {
    return [...this.bare, ...this.ours];
  }

  get names(): readonly string[] {
    return this.nodes.map(({ name }) => name);
  }

  /** The hosts of these nodes. */
  hostsOf(nodes: readonly ClusterNode[]): NetworkHost[] {
    return nodes.map((node) => this.network.host(this.nodes.indexOf(node)));
  }

  /** Waits until each of `by`, by default all nodes, lists exactly the members `names` as alive. */
  async untilAllSee(
    names: readonly string[],
    options: { readonly timeoutMs?: number; readonly by?: readonly ClusterNode[] } = {},
  ): Promise<void> {
    const expected = names.toSorted().join(" ");
    const deadlineMs = performance.now() + (options.timeoutMs ?? PATIENCE_MS);
    for (const node of options.by ?? this.nodes) {
      await eventually(async () => {
        const alive = [...await node.members()].filter(([, { state }]) => state === "alive");
        const seen = alive.map(([name]) => name).sort().join(" ");
        if (seen !== expected) {
          throw new Error(`${node.name} lists as alive ${seen}, expected ${expected}`);
        }
      }, { timeoutMs: Math.max(0, deadlineMs - performance.now()), intervalMs: 1000 });
    }
  }

  /**
   * Drops `percent` of all packets, in each direction, for `durationMs`. Returns the false failures
   * of that time, for each program.
   */
  async sufferLoss(
    loss: { readonly percent: number; readonly durationMs: number },
  ): Promise<{ readonly bare: FalseFailures; readonly ours: FalseFailures }> {
    const [bare, ours] = [new FalseFailureCount(this.bare), new FalseFailureCount(this.ours)];
    await this.network.setLoss([{ percent: loss.percent }]);
    await new Promise((resolve) => setTimeout(resolve, loss.durationMs));
    await this.network.setLoss([]);
    return { bare: bare.read(), ours: ours.read() };
  }

  /** Kills all nodes and removes the network. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
