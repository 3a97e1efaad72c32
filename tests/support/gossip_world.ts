/**
 * Dissemination in virtual time, among members that the test decides: on every node of a simulated
 * network run the classes that the daemon runs, with a journal that survives restarts.
 * @module
 */
import type { Batch } from "../../lib/batch/batch.ts";
import type { BatchId } from "../../lib/batch/id.ts";
import type { MemberProgress } from "../../lib/batch/progress.ts";
import { decodeReport } from "../../lib/batch/report.ts";
import { encodeGossip } from "../../lib/gossip/codec.ts";
import type { Dissemination } from "../../lib/gossip/dissemination.ts";
import type { GossipMessage } from "../../lib/gossip/messages.ts";
import { DEFAULT_GOSSIP_SETTINGS, type GossipSettings } from "../../lib/gossip/settings.ts";
import type {
  BatchAccepted,
  BatchReleased,
  GossipEvent,
  Peer,
  PeerView,
} from "../../lib/gossip/types.ts";
import type { BatchStore } from "../../lib/journal/batch_store.ts";
import { openState } from "../../lib/journal/node_state.ts";
import { newSession, type Session } from "../../lib/link/header.ts";
import type { Drop } from "../../lib/node/drops.ts";
import { Gossip } from "../../lib/node/gossip.ts";
import { StreamServer } from "../../lib/node/stream_server.ts";
import type { NodeState } from "../../lib/wire/messages.ts";
import { Envelope } from "../../lib/wire/envelope.ts";
import { submissionOf } from "./batches.ts";
import { MemoryDisk } from "./memory_disk.ts";
import type { VirtualHost, VirtualProcess } from "./world_host.ts";
import { VirtualNetwork } from "./world_network.ts";
import type { VirtualDatagramSocket } from "./world_streams.ts";
import { SeededRandom } from "./world_time.ts";

/** Options of a `GossipWorld`. */
export interface GossipWorldOptions {
  /** Determines everything random. */
  readonly seed: number;
  /** Number of nodes at the start: `n0`, `n1`, … */
  readonly nodes: number;
  /** Differences from the default settings. */
  readonly settings?: Partial<GossipSettings>;
  /** Duration of a run on a node. Default: up to 100 ms, at random. */
  readonly runMs?: (node: string) => number;
  /** Whether a run on a node passes. Default: yes. */
  readonly passes?: (node: string) => boolean;
  /** Probability that a message is delivered twice. */
  readonly duplicate?: number;
  /** Why a node refuses a batch. */
  readonly admit?: (batch: Batch, node: string) => string | undefined;
  /** As `GossipHostOptions` has it. */
  readonly maxSessions?: number;
  /** Called with each event; the nodes then keep none. */
  readonly onEvent?: (node: GossipNode, event: GossipEvent) => void;
  /** Called with each input that the link or the stream server of a node has dropped. */
  readonly onDrop?: (node: GossipNode, drop: Drop) => void;
}

/** Nodes, the network between them, and the members that all of them see. */
export class GossipWorld implements Disposable {
  readonly network: VirtualNetwork;
  /** Randomness for what the test decides. */
  readonly random: SeededRandom;
  /** All nodes by name, ended ones too. */
  readonly nodes = new Map<string, GossipNode>();
  readonly options: GossipWorldOptions;
  readonly #disks: MemoryDisk[] = [];
  #added = 0;
  #failure: unknown;

  constructor(options: GossipWorldOptions) {
    this.options = options;
    this.network = new VirtualNetwork({ seed: options.seed });
    this.random = new SeededRandom(`test ${options.seed}`);
    for (let index = 0; index < options.nodes; index++) this.add();
  }

  /** Adds a node, alive and known to all. */
  add(options: { tags?: Record<string, string>; foreign?: boolean } = {}): GossipNode {
    const node = new GossipNode(this, { index: this.#added++, ...options });
    this.#disks.push(node.disk);
    this.nodes.set(node.name, node);
    node.start();
    this.tell(node.name);
    return node;
  }

  /** The node with that number. */
  node(index: number): GossipNode {
    return this.nodes.get(`n${index}`)!;
  }

  /** Lets time pass. Rejects with what a bug in a node has thrown. */
  async pass(ms: number): Promise<void> {
    await this.network.schedule.passSettled(ms);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Lets time pass until `holds` does; returns how long. Rejects if it takes over `atMostMs`. */
  async passUntil(holds: () => boolean, atMostMs: number): Promise<number> {
    const fromMs = this.network.schedule.nowMs;
    while (!holds()) {
      if (this.network.schedule.nowMs - fromMs >= atMostMs) {
        throw new Error(`not within ${atMostMs} ms (seed ${this.options.seed})`);
      }
      await this.pass(10);
    }
    return this.network.schedule.nowMs - fromMs;
  }

  /** Sets the state in which all nodes see a node from now on. */
  setState(node: GossipNode, state: NodeState): void {
    node.state = state;
    this.tell(node.name);
  }

  /** Cuts all links of a node, until the network is mended. */
  cutOff(node: GossipNode): void {
    this.network.cutStreams(node.host.address);
    this.network.cutPackets(node.host.address);
  }

  /** Cuts TCP of a node; all nodes know. */
  packetsOnly(node: GossipNode): void {
    this.network.cutStreams(node.host.address);
    node.degraded = "udp";
    this.tell(node.name);
  }

  /** Removes a node that has ended; the members forget it. */
  forget(node: GossipNode): void {
    this.nodes.delete(node.name);
    this.network.removeHost(node.host.address);
    this.tell(node.name);
  }

  /** Tells every running node that a member has changed. */
  tell(name: string): void {
    for (const node of this.nodes.values()) node.machine?.memberChanged(name);
  }

  /** Issues a batch at each of these nodes, one after the other; returns the ids. */
  async submitAt(
    origins: Iterable<GossipNode>,
    submission: Parameters<GossipNode["submit"]>[0] = {},
  ): Promise<BatchId[]> {
    const ids: BatchId[] = [];
    for (const origin of origins) ids.push((await origin.submit(submission)).id);
    return ids;
  }

  /** How often each node ran a batch. */
  runs(batchId: BatchId): number[] {
    return [...this.nodes.values()].map((node) => node.runs.get(batchId) ?? 0);
  }

  /** For nodes: the next `pass` rejects. */
  fail(error: unknown): void {
    this.#failure ??= error;
  }

  /** Frees the disks of all nodes. */
  [Symbol.dispose](): void {
    for (const disk of this.#disks) disk[Symbol.dispose]();
  }
}

/** One node: a host, its disk, what runs on it, and what happened there. */
export class GossipNode {
  readonly name: string;
  readonly host: VirtualHost;
  readonly tags: Map<string, string>;
  readonly disk = new MemoryDisk();
  /** All events since the start. */
  readonly events: GossipEvent[] = [];
  /** How often each batch was run, over all restarts. */
  readonly runs = new Map<BatchId, number>();
  /** The state in which the members see it. */
  state: NodeState = "alive";
  /** The only transport that reaches it, as the members know. */
  degraded: "udp" | "tcp" | undefined;
  /** Session of its process, as the members know it. */
  session: Session = "";
  readonly #world: GossipWorld;
  readonly #foreign: boolean;
  #peer: Peer | undefined;
  #gossip: Gossip | undefined;
  #store: BatchStore | undefined;
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
  }

  /** The dissemination machine of the process that runs. */
  get machine(): Dissemination | undefined {
    return this.#gossip?.dissemination;
  }

  /** How the members see it: the same object until that changes. */
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

  /** Starts it, with what its disk holds. */
  start(): void {
    const process = this.host.start();
    const random = new SeededRandom(`${this.name} ${++this.#lives} ${this.#world.options.seed}`);
    this.session = newSession(random);
    const gossip = this.#makeGossip(process, random);
    this.#gossip = gossip;
    gossip.dissemination.start();
    for (const name of this.#world.nodes.keys()) gossip.dissemination.memberChanged(name);
  }

  /** Ends it at once, as `kill -9` does; the members are not told. */
  kill(): void {
    this.host.end();
    this.#gossip = undefined;
    this.#store = undefined;
  }

  /** Issues a batch; resolves when the journal has answered. */
  async submit(submission: Parameters<typeof submissionOf>[0] = {}): Promise<Batch> {
    const body = new TextEncoder().encode("checks");
    const batch = this.machine!.submit(submissionOf({ body, ...submission }));
    await this.#world.pass(0);
    return batch;
  }

  /** Hands a message to the machine. */
  receive(message: GossipMessage): void {
    this.machine!.receive(encodeGossip(message));
  }

  /** The members' parts of a batch of its own, as `state` or `state:reason`. */
  states(batchId: BatchId): Record<string, string> {
    const entries = [...this.machine?.progress(batchId) ?? []];
    return Object.fromEntries(entries.map(([name, progress]) => [name, describe(progress)]));
  }

  /** Whether every member of a batch of its own is done. */
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

  #makeGossip(process: VirtualProcess, random: SeededRandom): Gossip {
    const { options } = this.#world;
    const { host: { address, clock }, session } = this;
    const envelope = new Envelope({ label: "", keyring: undefined, random, compress: false });
    const drops = { add: (drop: Drop) => options.onDrop?.(this, drop) };
    const common = { envelope, drops, timers: process };
    const state = openState({
      name: this.name,
      runtime: { ...common, clock, log, openStore: ({ schema }) => this.disk.open(schema) },
    });
    this.#store = state.batches;
    const socket = process.listenDatagrams(address);
    const gossip = new Gossip({
      ...{ ...common, network: process, clock, random, session, store: state.batches },
      ...(state.restored === undefined ? {} : { restored: state.restored }),
      ...(options.maxSessions === undefined ? {} : { maxSessions: options.maxSessions }),
      peers: this.#view(),
      members: { sendUserPacket: this.#sender(socket), streamWorked() {}, streamFailed() {} },
      settings: { ...DEFAULT_GOSSIP_SETTINGS, ...options.settings },
      admit: (batch) => options.admit?.(batch, this.name),
      onEvent: (event) => this.#onEvent(event),
      onSession: (next) => this.session = next,
    });
    this.#deliverTwice(gossip.dissemination);
    // Nothing but user messages goes in packets here, so they need no envelope.
    socket.onDatagram = ({ from, bytes: payload }) =>
      void gossip.receiveUserMessage({ from, payload, carrier: "packet" });
    const server = new StreamServer({
      ...{ ...common, listener: process.listenStreams(address) },
      onMessage: (from, message) =>
        message.type === "user"
          ? gossip.receiveUserMessage({ from, payload: message.payload, carrier: "stream" })
          : undefined,
    });
    server.run().catch((error) => this.#world.fail(error));
    return gossip;
  }

  #sender(socket: VirtualDatagramSocket): (name: string, payload: Uint8Array) => boolean {
    return (name, payload) => {
      const peer = this.#world.nodes.get(name);
      if (peer !== undefined) socket.send(peer.host.address, payload);
      return peer !== undefined;
    };
  }

  /** The link delivers no message twice, so duplicates are made behind it. */
  #deliverTwice(machine: Dissemination): void {
    const { options: { duplicate = 0 }, random } = this.#world;
    if (duplicate === 0) return;
    const receive = machine.receive.bind(machine);
    machine.receive = (message, from) => {
      receive(message, from);
      if (random.chance(duplicate)) receive(message, from);
    };
  }

  #onEvent(event: GossipEvent): void {
    if (this.#world.options.onEvent === undefined) this.events.push(event);
    else this.#world.options.onEvent(this, event);
    if (event.type === "batch_accepted" && event.targeted) this.#run(event);
    if (event.type === "batch_released") this.#run(event);
  }

  /** Plays the part of the daemon: runs a batch, records its end and reports it. */
  #run({ batch, cancelled, failure }: BatchAccepted | BatchReleased): void {
    const { options, random } = this.#world;
    const process = this.host.process!;
    const end = failure !== undefined ? "refused" : cancelled ? "cancelled" : "ran";
    if (end === "ran") this.runs.set(batch.id, (this.runs.get(batch.id) ?? 0) + 1);
    const passed = options.passes?.(this.name) ?? true;
    const report = new TextEncoder().encode(`${this.name} ${end}`);
    process.after(0, () => this.machine?.report(batch.id, { state: "running" }));
    process.after(options.runMs?.(this.name) ?? random.next() * 100, () => {
      this.#store?.keep(
        { type: "finished", batch, passed, report },
        () => this.machine?.report(batch.id, { state: "done", passed, report }),
      );
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

const log = { write() {} };

function describe(progress: MemberProgress): string {
  switch (progress.state) {
    case "done":
      return describeReport(progress.report);
    case "unreached":
      return `unreached:${progress.memberState}`;
    case "skipped":
      return `skipped:${progress.reason}`;
    default:
      return progress.state;
  }
}

/** How a run ended: as `#run` wrote it, or, after a crash, as the journal did. */
function describeReport(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  const [, end] = text.match(/^n\d+ (\w+)$/) ?? [];
  if (end !== undefined) return end;
  const report = decodeReport(bytes);
  return report.type === "batch" && report.outcome.status === "skipped" ? "interrupted" : text;
}
