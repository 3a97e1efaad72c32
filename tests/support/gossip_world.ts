/**
 * Dissemination in virtual time: the daemon's own machine on every node of a simulated network,
 * under a membership that the test decides, with a journal that survives restarts.
 * @module
 */
import { encodeGossip } from "../../lib/gossip/codec.ts";
import { Dissemination } from "../../lib/gossip/dissemination.ts";
import { newSession, type Session } from "../../lib/link/header.ts";
import { DEFAULT_GOSSIP_SETTINGS, type GossipSettings } from "../../lib/gossip/settings.ts";
import type {
  Batch,
  BatchId,
  GossipEvent,
  GossipMessage,
  MemberProgress,
  Peer,
  PeerView,
  Submission,
} from "../../lib/gossip/types.ts";
import type { NodeState } from "../../lib/wire/messages.ts";
import { MemoryJournal } from "./gossip_journal.ts";
import { linkHost } from "./gossip_links.ts";
import { SeededRandom } from "./world_time.ts";
import { type VirtualHost, VirtualNetwork } from "./world_network.ts";

/** What a world is made of. */
export interface GossipWorldOptions {
  /** Fixes everything that happens. */
  readonly seed: number;
  /** How many nodes it has at first: `n0`, `n1`, … */
  readonly nodes: number;
  /** What differs from the defaults. */
  readonly settings?: Partial<GossipSettings>;
  /** How long a run takes; default up to 100 ms. */
  readonly runMs?: (node: string) => number;
  /** Whether everything passes on a node; default yes. */
  readonly passes?: (node: string) => boolean;
  /** Probability that a message arrives twice. */
  readonly duplicate?: number;
  /** Why a node lets a batch not in. */
  readonly admit?: (batch: Batch, node: string) => string | undefined;
  /** Lives of others whose messages each node tells apart; the default is the daemon's. */
  readonly maxSessions?: number;
  /** Called with each event in place of keeping them all, where a run is long. */
  readonly onEvent?: (node: GossipNode, event: GossipEvent) => void;
}

/** Nodes, the network between them, and what the membership holds of them. */
export class GossipWorld {
  /** What carries the messages. */
  readonly network: VirtualNetwork;
  /** Chance for what a test decides. */
  readonly random: SeededRandom;
  /** Every node ever, by name. */
  readonly nodes = new Map<string, GossipNode>();
  readonly options: GossipWorldOptions;
  #added = 0;

  constructor(options: GossipWorldOptions) {
    this.options = options;
    this.network = new VirtualNetwork({ seed: options.seed });
    this.random = new SeededRandom(`test ${options.seed}`);
    for (let index = 0; index < options.nodes; index++) this.add();
  }

  /** A new node, alive and known to all. */
  add(options: { tags?: Record<string, string>; foreign?: boolean } = {}): GossipNode {
    const node = new GossipNode(this, { index: this.#added++, ...options });
    this.nodes.set(node.name, node);
    node.start();
    this.tell(node.name);
    return node;
  }

  /** The node of that number. */
  node(index: number): GossipNode {
    return this.nodes.get(`n${index}`)!;
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.network.schedule.pass(ms);
  }

  /** Lets time pass until something holds; the milliseconds that it took, or an error after `atMostMs`. */
  passUntil(holds: () => boolean, atMostMs: number): number {
    const fromMs = this.network.schedule.nowMs;
    while (!holds()) {
      if (this.network.schedule.nowMs - fromMs >= atMostMs) {
        throw new Error(`not within ${atMostMs} ms (seed ${this.options.seed})`);
      }
      this.pass(10);
    }
    return this.network.schedule.nowMs - fromMs;
  }

  /** What the membership holds of a node from now on, at every node. */
  setState(node: GossipNode, state: NodeState): void {
    node.state = state;
    this.tell(node.name);
  }

  /** Nothing reaches or leaves a node any more, until the network is mended. */
  cutOff(node: GossipNode): void {
    this.network.cutStreams(node.host.address);
    this.network.cutPackets(node.host.address);
  }

  /** Only packets reach and leave a node, as everybody finds out by and by. */
  packetsOnly(node: GossipNode): void {
    this.network.cutStreams(node.host.address);
    node.degraded = "udp";
    this.tell(node.name);
  }

  /** Takes away for ever a node that has ended; the members forget it. */
  forget(node: GossipNode): void {
    this.nodes.delete(node.name);
    this.network.removeHost(node.host.address);
    this.tell(node.name);
  }

  /** Tells every running node that a member changed. */
  tell(name: string): void {
    for (const node of this.nodes.values()) node.machine?.memberChanged(name);
  }

  /** How often each node ran a batch. */
  runs(batchId: BatchId): number[] {
    return [...this.nodes.values()].map((node) => node.runs.get(batchId) ?? 0);
  }
}

/** One node: a host, its machine while it runs, its journal, and what happened on it. */
export class GossipNode {
  readonly name: string;
  readonly host: VirtualHost;
  readonly tags: Map<string, string>;
  readonly journal: MemoryJournal;
  /** All events since the beginning. */
  readonly events: GossipEvent[] = [];
  /** How often each batch was run: by the application, over all restarts. */
  readonly runs = new Map<BatchId, number>();
  /** What the membership holds of it. */
  state: NodeState = "alive";
  /** Which transport alone reaches it, as the membership holds. */
  degraded: "udp" | "tcp" | undefined;
  /** Its present life. */
  session: Session = "";
  /** Throws where the journal is to fail. */
  onEmit: ((event: GossipEvent) => void) | undefined;
  /** The machine while the node runs. */
  machine: Dissemination | undefined;
  readonly #world: GossipWorld;
  readonly #foreign: boolean;
  #peer: Peer | undefined;
  #lives = 0;

  constructor(
    world: GossipWorld,
    options: { index: number; tags?: Record<string, string>; foreign?: boolean },
  ) {
    this.#world = world;
    this.#foreign = options.foreign ?? false;
    this.name = `n${options.index}`;
    this.tags = new Map(Object.entries(options.tags ?? {}));
    const host = `10.${options.index >> 16}.${(options.index >> 8) & 255}.${options.index & 255}`;
    this.host = world.network.addHost({ host, port: 3505 });
    this.journal = new MemoryJournal({
      node: this.name,
      wallMs: () => this.host.clock.wallMs(),
      bounds: { ...DEFAULT_GOSSIP_SETTINGS, ...world.options.settings },
    });
  }

  /** What the membership holds of it: the same one until that changes. */
  get peer(): Peer {
    const { state, session, degraded } = this;
    const held = this.#peer;
    if (held?.state === state && held.session === session && held.degraded === degraded) {
      return held;
    }
    this.#peer = {
      name: this.name,
      address: this.host.address,
      state,
      runsGossipcheck: !this.#foreign,
      tags: this.tags,
      ...(this.#foreign ? {} : { session }),
      ...(degraded === undefined ? {} : { degraded }),
    };
    return this.#peer;
  }

  /** Starts it, with what its journal holds. */
  start(): void {
    const world = this.#world;
    const { host } = this;
    const random = new SeededRandom(`${this.name} ${++this.#lives} ${world.options.seed}`);
    this.session = newSession(random);
    const peers = this.#view();
    const transport = linkHost({
      ...{ host, peers, random, session: this.session },
      maxSessions: world.options.maxSessions,
      sent: (id, ok) => machine.sent(id, ok),
      deliver: (message, from) => {
        machine.receive(message, from);
        if (world.random.chance(world.options.duplicate ?? 0)) machine.receive(message, from);
      },
      renewed: (session) => this.session = session,
    });
    const machine: Dissemination = new Dissemination({
      settings: { ...DEFAULT_GOSSIP_SETTINGS, ...world.options.settings },
      ...{ peers, random, clock: host.clock },
      restored: this.journal.restored(),
      admit: (batch) => world.options.admit?.(batch, this.name),
      effects: {
        send: (request) => transport.send(request),
        setTimer: (delayMs, timer) => host.after(delayMs, () => machine.fire(timer)),
        emit: (event) => this.#emit(event),
      },
    });
    this.machine = machine;
    machine.start();
    for (const name of world.nodes.keys()) machine.memberChanged(name);
  }

  /** Ends it at once, as kill -9 does; the membership is not told. */
  kill(): void {
    this.host.end();
    this.machine = undefined;
    this.journal.crashed();
  }

  /** Issues a batch here. */
  submit(submission: Partial<Submission> = {}): Batch {
    const body = new TextEncoder().encode("checks");
    return this.machine!.submit({ target: {}, expiresInMs: 3_600_000, body, ...submission });
  }

  /** Hands it a message. */
  receive(message: GossipMessage): void {
    this.machine!.receive(encodeGossip(message));
  }

  /** How a batch of its own stands, as `state` or `state:reason`, by member. */
  states(batchId: BatchId): Record<string, string> {
    const entries = [...this.machine?.progress(batchId) ?? []];
    return Object.fromEntries(entries.map(([name, progress]) => [name, describe(progress)]));
  }

  /** Whether every member of its batch is done. */
  allDone(batchId: BatchId): boolean {
    return [...this.machine?.progress(batchId)?.values() ?? []].every(({ state }) =>
      state === "done"
    );
  }

  /** Its events of one type. */
  of<T extends GossipEvent["type"]>(type: T): Extract<GossipEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<GossipEvent, { type: T }> =>
      event.type === type
    );
  }

  #emit(event: GossipEvent): void {
    this.onEmit?.(event);
    this.journal.take(event);
    if (this.#world.options.onEvent === undefined) this.events.push(event);
    else this.#world.options.onEvent(this, event);
    if (event.type === "batch_accepted" && event.targeted) this.#run(event.batch, event.cancelled);
    if (event.type === "batch_released") this.#run(event.batch, event.cancelled);
  }

  #run(batch: Batch, cancelled: boolean): void {
    const { machine, host } = this;
    const { options, random } = this.#world;
    if (!cancelled) this.runs.set(batch.id, (this.runs.get(batch.id) ?? 0) + 1);
    const passed = options.passes?.(this.name) ?? true;
    const body = new TextEncoder().encode(`${this.name} ${cancelled ? "cancelled" : "ran"}`);
    host.after(0, () => machine?.report(batch.id, { state: "running" }));
    host.after(options.runMs?.(this.name) ?? random.next() * 100, () => {
      this.journal.finished(batch, { passed, body });
      machine?.report(batch.id, { state: "done", passed, body });
    });
  }

  #view(): PeerView {
    const { nodes } = this.#world;
    return {
      self: this.peer,
      peers: () => {
        const peers: Peer[] = [];
        for (const other of nodes.values()) if (other !== this) peers.push(other.peer);
        return peers;
      },
      peer: (name) => nodes.get(name)?.peer,
    };
  }
}

function describe(progress: MemberProgress): string {
  switch (progress.state) {
    case "done":
      return new TextDecoder().decode(progress.body).replace(/^\S+ /, "");
    case "unreached":
      return `unreached:${progress.memberState}`;
    case "skipped":
      return `skipped:${progress.reason}`;
    default:
      return progress.state;
  }
}
