/**
 * A cluster in virtual time: nodes as the daemon runs them, on a virtual network, with what SWIM does
 * among them recorded.
 * @module
 */
import { DEFAULT_GOSSIP_SETTINGS } from "../../lib/gossip/settings.ts";
import { MemoryBatchStore } from "../../lib/journal/batch_store.ts";
import { Node } from "../../lib/node/node.ts";
import type { NodeRuntime, NodeSettings } from "../../lib/node/settings.ts";
import type { Address } from "../../lib/runtime.ts";
import { LAN_SETTINGS, type SwimSettings } from "../../lib/swim/config.ts";
import type { Membership } from "../../lib/swim/membership.ts";
import type { Member, SwimEvent } from "../../lib/swim/types.ts";
import type { VirtualHost, VirtualProcess } from "./world_host.ts";
import { VirtualNetwork } from "./world_network.ts";
import { Sharing, SharingEnvelope } from "./world_sharing.ts";
import { hash, SeededRandom } from "./world_time.ts";

/** Options of a `World`. */
export interface WorldOptions {
  /** Determines everything random. */
  readonly seed: number;
  /** Timings of the membership. Default: `LAN_SETTINGS`. */
  readonly settings?: SwimSettings;
}

/** An event of the membership of one node. */
export interface WorldEvent {
  /** Virtual time of the event. */
  readonly atMs: number;
  readonly node: WorldNode;
  readonly event: SwimEvent;
}

/** Options of a `WorldNode`. */
export interface WorldNodeOptions {
  /** Default: `node-` and a number that counts up. */
  readonly name?: string;
  /** Default: an address that counts up. */
  readonly address?: Address;
  /** The configured peers of the node. */
  readonly peers?: readonly Address[];
}

/** Nodes and the network between them. */
export class World {
  readonly network: VirtualNetwork;
  /** Randomness for what the test decides. */
  readonly random: SeededRandom;
  /** All nodes by name, ended ones too. */
  readonly nodes = new Map<string, WorldNode>();
  readonly options: WorldOptions;
  readonly #sharing = new Sharing();
  readonly #listeners: ((event: WorldEvent) => void)[] = [];
  #trace = 0;
  #wrong: WorldNode | undefined;
  #failure: unknown;

  /** Has no nodes yet. */
  constructor(options: WorldOptions) {
    this.options = options;
    this.network = new VirtualNetwork(options);
    this.random = new SeededRandom(`test ${options.seed}`);
  }

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.network.schedule.nowMs;
  }

  /** A hash of all events so far, with their order and times. */
  get trace(): number {
    return this.#trace >>> 0;
  }

  /** Nodes whose process runs. */
  get running(): WorldNode[] {
    return [...this.nodes.values()].filter(({ host }) => host.running);
  }

  /** Adds a node and starts it. */
  addNode(options: WorldNodeOptions = {}): WorldNode {
    const number = this.nodes.size;
    const name = options.name ?? `node-${number}`;
    const address = options.address ??
      { host: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`, port: 7946 };
    const node = new WorldNode({ world: this, name, address });
    this.nodes.set(name, node);
    node.start(options);
    return node;
  }

  /** Adds `count` nodes that all join through the first. */
  addCluster(count: number): WorldNode[] {
    const nodes = Array.from({ length: count }, () => this.addNode());
    for (const node of nodes.slice(1)) node.membership.join([nodes[0]!.address]);
    return nodes;
  }

  /** Lets time pass. Rejects with what a bug in a node has thrown. */
  async pass(ms: number): Promise<void> {
    await this.network.schedule.passSettled(ms);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Lets time pass until `holds` does, checked every `stepMs`; returns how long, or undefined. */
  async passUntil(
    holds: () => boolean,
    { withinMs, stepMs = 100 }: { withinMs: number; stepMs?: number },
  ): Promise<number | undefined> {
    const startMs = this.nowMs;
    while (!holds()) {
      if (this.nowMs - startMs >= withinMs) return undefined;
      await this.pass(stepMs);
    }
    return this.nowMs - startMs;
  }

  /** Calls back with each event of each node from now on. */
  listen(listener: (event: WorldEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** For nodes: records an event. */
  record(node: WorldNode, event: SwimEvent): void {
    const about = "member" in event ? `${event.member.name} ${event.member.incarnation}` : "";
    const line = `${this.#trace} ${this.nowMs} ${node.name} ${event.type} ${about}`;
    this.#trace = hash(line)[0];
    for (const listener of this.#listeners) listener({ atMs: this.nowMs, node, event });
  }

  /** For nodes: makes the node of one process, and runs it. */
  run(node: WorldNode, { peers = [] }: Pick<WorldNodeOptions, "peers">): Node {
    const { name, address, process, life } = node;
    const random = new SeededRandom(`${this.options.seed} ${name} ${life}`);
    const made = new Node({
      name,
      address,
      sockets: {
        datagrams: process.listenDatagrams(address),
        streams: process.listenStreams(address),
      },
      settings: settingsOf(address, peers),
      swimSettings: this.options.settings ?? LAN_SETTINGS,
      runtime: runtimeOf(process, random),
      envelope: new SharingEnvelope(
        { label: "", keyring: undefined, random, compress: false },
        this.#sharing,
      ),
      state: {
        batches: new MemoryBatchStore({ timers: process }),
        known: { addresses: () => [], notice: (event) => this.record(node, event) },
      },
      admit: () => undefined,
      onGossipEvent() {},
    });
    this.#sharing.adopt(made);
    made.run().catch((error) => this.#failure ??= error);
    return made;
  }

  /** Whether each running node sees exactly the running nodes as alive. */
  converged(): boolean {
    const running = this.running;
    // The node that was wrong the last time most likely still is, and saves a look at the others.
    if (this.#wrong?.host.running === true && !this.#wrong.agreesOn(running)) return false;
    this.#wrong = running.find((node) => !node.agreesOn(running));
    return this.#wrong === undefined;
  }
}

/** One node: a host that runs it. */
export class WorldNode {
  readonly name: string;
  readonly host: VirtualHost;
  readonly #world: World;
  #node!: Node;
  #life = 0;
  #highestIncarnation = 0;

  /** Made by `World.addNode`. */
  constructor(options: { world: World; name: string; address: Address }) {
    this.#world = options.world;
    this.name = options.name;
    this.host = options.world.network.addHost(options.address);
  }

  /** Where it listens. */
  get address(): Address {
    return this.host.address;
  }

  /** The membership of its present process, or of its last one. */
  get membership(): Membership {
    return this.#node.membership;
  }

  /** The process that runs it. */
  get process(): VirtualProcess {
    return this.host.process!;
  }

  /** Number of times that it was started. */
  get life(): number {
    return this.#life;
  }

  /** The highest incarnation of all its processes. */
  get highestIncarnation(): number {
    const { incarnation } = this.membership.self();
    this.#highestIncarnation = Math.max(this.#highestIncarnation, incarnation);
    return this.#highestIncarnation;
  }

  /** Starts it, or restarts it with nothing remembered. */
  start(options: Pick<WorldNodeOptions, "peers"> = {}): void {
    if (this.#life++ > 0) this.highestIncarnation;
    this.host.start();
    this.#node = this.#world.run(this, options);
  }

  /** Ends it at once, as `kill -9` does. */
  kill(): void {
    this.host.end();
  }

  /** Lets it leave the cluster and end, as SIGTERM does. */
  leave(): void {
    const node = this.#node;
    const { host, process } = this;
    void node.leave(5_000).then(() => {
      node.close();
      if (host.process === process) host.end();
    });
  }

  /** Its view of a member. */
  sees(name: string): Member | undefined {
    return this.membership.member(name);
  }

  /** Whether it sees exactly these nodes as alive. */
  agreesOn(nodes: readonly WorldNode[]): boolean {
    if (this.membership.size !== nodes.length) return false;
    return nodes.every(({ name }) => this.sees(name)?.state === "alive");
  }
}

function settingsOf(address: Address, peers: readonly Address[]): NodeSettings {
  return {
    bind: { hostname: address.host, port: address.port },
    clientBind: undefined,
    gossipGroup: DEFAULT_GOSSIP_SETTINGS.gossipGroup,
    peers: peers.map(({ host, port }) => ({ hostname: host, port })),
    tags: new Map(),
    advertiseIntervalMs: DEFAULT_GOSSIP_SETTINGS.advertiseIntervalMs,
    label: "",
  };
}

/** A machine without keys and files. */
function runtimeOf(process: VirtualProcess, random: SeededRandom): NodeRuntime {
  const absent = () => {
    throw new Error("the simulated nodes have neither keys nor files");
  };
  return {
    ...{ network: process, timers: process, clock: process.host.clock, random },
    log: { write() {} },
    readSecretFile: absent,
    replaceSecretFile: absent,
  };
}
