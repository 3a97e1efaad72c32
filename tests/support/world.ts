/**
 * A cluster in virtual time: the very classes that the daemon runs, on a network that a seed fixes.
 * @module
 */
import type { Address } from "../../lib/runtime.ts";
import { WireError } from "../../lib/errors.ts";
import { LAN_SETTINGS, type SwimSettings } from "../../lib/swim/config.ts";
import { Membership } from "../../lib/swim/membership.ts";
import { encodeMeta } from "../../lib/swim/meta.ts";
import type { Member, SwimEffects, SwimEvent } from "../../lib/swim/types.ts";
import { Envelope } from "../../lib/wire/envelope.ts";
import { StreamReader } from "../../lib/wire/frames.ts";
import type { StreamMessage } from "../../lib/wire/messages.ts";
import { hash, SeededRandom } from "./world_time.ts";
import { Sharing, SharingEnvelope } from "./world_sharing.ts";
import { type StreamEnd, VirtualHost, VirtualNetwork } from "./world_network.ts";

/** What a world is made of. */
export interface WorldOptions {
  /** Fixes everything that happens. */
  readonly seed: number;
  /** Timings of its nodes. Default LAN. */
  readonly settings?: SwimSettings;
}

/** An event of one node. */
export interface WorldEvent {
  /** When, in the world's time. */
  readonly atMs: number;
  /** Whose. */
  readonly node: WorldNode;
  /** What happened. */
  readonly event: SwimEvent;
}

/** What a node is made of. */
export interface NodeOptions {
  /** Its name; the default counts up. */
  readonly name?: string;
  /** Where it listens; the default counts up. */
  readonly address?: Address;
  /** Its tags. */
  readonly tags?: ReadonlyMap<string, string>;
  /** Where to look for the cluster when all is lost. */
  readonly peers?: readonly Address[];
  /** Incarnation to start with. */
  readonly firstIncarnation?: number;
}

/** Nodes and the network between them. */
export class World {
  /** What carries packets and streams, and what goes wrong with them. */
  readonly network: VirtualNetwork;
  /** Chance for what a test decides. */
  readonly random: SeededRandom;
  /** Every node ever, by name. */
  readonly nodes = new Map<string, WorldNode>();
  /** What all of them hold alike. */
  readonly sharing = new Sharing();
  readonly #options: WorldOptions;
  readonly #listeners: ((event: WorldEvent) => void)[] = [];
  #trace = 0;
  #wrong: WorldNode | undefined;

  /** No nodes yet. */
  constructor(options: WorldOptions) {
    this.#options = options;
    this.network = new VirtualNetwork(options);
    this.random = new SeededRandom(`test ${options.seed}`);
  }

  /** Milliseconds since the beginning. */
  get nowMs(): number {
    return this.network.schedule.nowMs;
  }

  /** A number that stands for all events so far, in their order and with their times. */
  get trace(): number {
    return this.#trace >>> 0;
  }

  /** Nodes whose process runs. */
  get running(): WorldNode[] {
    return [...this.nodes.values()].filter(({ host }) => host.running);
  }

  /** Adds a node and starts it. */
  addNode(options: NodeOptions = {}): WorldNode {
    const number = this.nodes.size;
    const name = options.name ?? `node-${number}`;
    const address = options.address ??
      { host: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`, port: 7946 };
    const node = new WorldNode({ world: this, name, address, node: options });
    this.nodes.set(name, node);
    node.start();
    return node;
  }

  /** Adds `count` nodes that all join through the first. */
  addCluster(count: number): WorldNode[] {
    const nodes = Array.from({ length: count }, () => this.addNode());
    for (const node of nodes.slice(1)) node.membership.join([nodes[0]!.address]);
    return nodes;
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.network.schedule.pass(ms);
  }

  /** Lets time pass until `holds` does, looked at every `stepMs`; how long it took, or undefined. */
  passUntil(
    holds: () => boolean,
    { withinMs, stepMs = 100 }: { withinMs: number; stepMs?: number },
  ): number | undefined {
    const startMs = this.nowMs;
    while (!holds()) {
      if (this.nowMs - startMs >= withinMs) return undefined;
      this.pass(stepMs);
    }
    return this.nowMs - startMs;
  }

  /** Calls back with each event of each node from now on. */
  listen(listener: (event: WorldEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** For nodes: something happened. */
  record(node: WorldNode, event: SwimEvent): void {
    const about = "member" in event ? `${event.member.name} ${event.member.incarnation}` : "";
    const line = `${this.#trace} ${this.nowMs} ${node.name} ${event.type} ${about}`;
    this.#trace = hash(line)[0];
    for (const listener of this.#listeners) listener({ atMs: this.nowMs, node, event });
  }

  /** For nodes: the timings. */
  get settings(): SwimSettings {
    return this.#options.settings ?? LAN_SETTINGS;
  }

  /** For nodes: chance of one life of one node. */
  randomFor(name: string, life: number): SeededRandom {
    return new SeededRandom(`${this.#options.seed} ${name} ${life}`);
  }

  /** Whether every running node holds exactly the running nodes alive. */
  converged(): boolean {
    const running = this.running;
    // Who was wrong the last time is asked first: most likely it still is, and the others need not be.
    if (this.#wrong?.host.running === true && !this.#wrong.agreesOn(running)) return false;
    this.#wrong = running.find((node) => !node.agreesOn(running));
    return this.#wrong === undefined;
  }
}

/** One node: a host with a membership machine on it. */
export class WorldNode {
  /** Its name. */
  readonly name: string;
  /** Its host. */
  readonly host: VirtualHost;
  readonly #world: World;
  readonly #options: NodeOptions;
  #membership: Membership | undefined;
  #envelope: Envelope | undefined;
  #life = 0;
  #highestIncarnation = 0;

  /** Made by `World.addNode`. */
  constructor(options: { world: World; name: string; address: Address; node: NodeOptions }) {
    this.#world = options.world;
    this.name = options.name;
    this.#options = options.node;
    this.host = options.world.network.addHost(options.address);
  }

  /** Where it listens. */
  get address(): Address {
    return this.host.address;
  }

  /** Its machine in this life. */
  get membership(): Membership {
    return this.#membership!;
  }

  /** How often it was started. */
  get life(): number {
    return this.#life;
  }

  /** The highest incarnation that it took in any life. */
  get highestIncarnation(): number {
    const { incarnation } = this.membership.self();
    this.#highestIncarnation = Math.max(this.#highestIncarnation, incarnation);
    return this.#highestIncarnation;
  }

  /** Starts it, or starts it anew with nothing remembered. */
  start(options: Pick<NodeOptions, "firstIncarnation" | "peers"> = {}): void {
    if (this.#membership !== undefined) this.highestIncarnation;
    const random = this.#world.randomFor(this.name, ++this.#life);
    const envelope = new SharingEnvelope(
      { label: "", keyring: undefined, random, compress: false },
      this.#world.sharing,
    );
    this.#envelope = envelope;
    this.host.end();
    const membership = new Membership({
      name: this.name,
      address: this.address,
      meta: encodeMeta(this.#options.tags ?? new Map()),
      settings: this.#world.settings,
      envelope,
      effects: this.#effects(this.#life),
      clock: this.host.clock,
      random,
      ...this.#options,
      ...options,
    });
    this.#membership = membership;
    this.host.start({
      packet: (from, bytes) => membership.receivePacket(from, bytes),
      stream: (from, bytes) => {
        const message = this.#read(bytes);
        return message === undefined ? undefined : membership.receiveStream(from, message);
      },
    });
    membership.start();
  }

  /** Ends it at once, as `kill -9` does. */
  kill(): void {
    this.host.end();
  }

  /** Lets it leave and end, as SIGTERM does. */
  leave(): void {
    this.membership.leave(5_000);
  }

  /** How it sees a member. */
  sees(name: string): Member | undefined {
    return this.membership.member(name);
  }

  /** Whether it holds exactly these alive. */
  agreesOn(nodes: readonly WorldNode[]): boolean {
    if (this.membership.size !== nodes.length) return false;
    return nodes.every(({ name }) => this.sees(name)?.state === "alive");
  }

  #effects(life: number): SwimEffects {
    const { host } = this;
    return {
      sendPacket: (to, packet) => host.sendPacket(to, packet),
      setTimer: (delayMs, timer) => host.after(delayMs, () => this.membership.fire(timer)),
      openExchange: (...[exchange, bytes, timeoutMs]: Parameters<SwimEffects["openExchange"]>) => {
        const done = (end: StreamEnd) => {
          const message = end.ok && end.reply !== undefined ? this.#read(end.reply) : undefined;
          if (message !== undefined) return this.membership.receiveReply(exchange, message);
          this.membership.exchangeFailed(exchange, end.ok ? "bad reply" : end.reason);
        };
        host.openStream(exchange.to, { bytes, timeoutMs, wantsReply: true, done });
      },
      emit: (event) => {
        if (life !== this.#life) return;
        this.#world.record(this, event);
        if (event.type === "left") host.after(0, () => this.kill());
      },
    };
  }

  #read(bytes: Uint8Array): StreamMessage | undefined {
    const reader = new StreamReader({ envelope: this.#envelope! });
    try {
      reader.push(bytes);
      const message = reader.take();
      return message && this.#world.sharing.stream(message);
    } catch (error) {
      if (error instanceof WireError) return undefined;
      throw error;
    }
  }
}
