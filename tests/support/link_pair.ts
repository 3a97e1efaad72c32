/**
 * Two nodes with nothing but the transport of gossip messages between them, and what goes over the
 * network recorded.
 * @module
 */
import { concat } from "@std/bytes";
import type { DropReason } from "../../lib/errors.ts";
import { newSession, type Session } from "../../lib/link/header.ts";
import type { Transport } from "../../lib/link/link.ts";
import type { Peer, PeerView } from "../../lib/gossip/types.ts";
import { linkHost } from "./gossip_links.ts";
import { type VirtualHost, VirtualNetwork } from "./world_network.ts";
import { SeededRandom } from "./world_time.ts";

/** What is not as usual with a member in everybody's view. */
export type PeerChanges =
  & Partial<Pick<Peer, "state" | "degraded">>
  & { readonly session?: Session | undefined };

/** Both nodes and their network. */
export class LinkPair {
  readonly network: VirtualNetwork;
  readonly a: LinkNode;
  readonly b: LinkNode;
  readonly #seed: number;

  constructor(options: { readonly seed: number }) {
    this.#seed = options.seed;
    this.network = new VirtualNetwork(options);
    this.a = new LinkNode("a", { pair: this, seed: options.seed });
    this.b = new LinkNode("b", { pair: this, seed: options.seed });
    this.a.start();
    this.b.start();
  }

  /** Both. */
  get nodes(): LinkNode[] {
    return [this.a, this.b];
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.network.schedule.pass(ms);
  }

  /** Lets time pass until something holds; the milliseconds that it took. */
  passUntil(holds: () => boolean, atMostMs: number): number {
    const fromMs = this.network.schedule.nowMs;
    while (!holds()) {
      if (this.network.schedule.nowMs - fromMs >= atMostMs) {
        throw new Error(`not within ${atMostMs} ms (seed ${this.#seed})`);
      }
      this.pass(10);
    }
    return this.network.schedule.nowMs - fromMs;
  }
}

/** One of them. */
export class LinkNode {
  readonly name: string;
  readonly host: VirtualHost;
  /** What others hold of it that is not as usual. */
  peer: PeerChanges = {};
  /** Its present life, as others know it. */
  session: Session = "";
  /** What it took. */
  readonly taken: { readonly from: string; readonly message: Uint8Array }[] = [];
  /** How its own messages went. */
  readonly results: [number, boolean][] = [];
  /** Whether streams opened. */
  readonly reachable: [string, boolean][] = [];
  /** What it dropped. */
  readonly drops: { reason: DropReason; from: string; detail: string }[] = [];
  /** The packets that it sent. */
  readonly packets: Uint8Array[] = [];
  /** Whether its packets go no further than `packets`. */
  holdsPackets = false;
  transport!: Transport;
  readonly #pair: LinkPair;
  readonly #random: SeededRandom;
  #lastId = 0;

  constructor(name: string, options: { readonly pair: LinkPair; readonly seed: number }) {
    this.name = name;
    this.#pair = options.pair;
    this.#random = new SeededRandom(`${name} ${options.seed}`);
    const host = `10.0.0.${name.charCodeAt(0)}`;
    this.host = options.pair.network.addHost({ host, port: 3505 });
  }

  /** Begins a life; `known: false` keeps its session from the others. */
  start(options: { readonly known?: boolean; readonly session?: Session } = {}): void {
    const session = options.session ?? newSession(this.#random);
    if (options.known ?? true) this.session = session;
    this.transport = linkHost({
      host: this.host,
      peers: this.#view(session),
      session,
      random: this.#random,
      sent: (id, ok) => this.results.push([id, ok]),
      deliver: (message, from) => this.taken.push({ from, message }),
      drop: (drop) => this.drops.push(drop),
      reachable: (name, ok) => this.reachable.push([name, ok]),
      renewed: (next) => this.session = next,
      packet: (_to, payload) => {
        this.packets.push(payload);
        return this.holdsPackets ? undefined : payload;
      },
    });
  }

  /** Sends a message; its number, as `results` has it. */
  send(to: string, message: Uint8Array): number {
    const id = ++this.#lastId;
    const address = this.#pair.nodes.find(({ name }) => name === to)?.host.address;
    this.transport.send({
      id,
      to: { name: to, address: address ?? { host: "10.0.0.1", port: 1 } },
      message,
      timeoutMs: 10_000,
    });
    return id;
  }

  /** What it would write to a stream for a message, without sending it. */
  capture(to: string, message: Uint8Array): Uint8Array {
    const { network } = this.#pair;
    const open = network.open;
    let captured = new Uint8Array(0);
    network.open = (_from, { bytes }) => captured = concat([bytes]);
    try {
      this.send(to, message);
    } finally {
      network.open = open;
    }
    return captured;
  }

  /** Hands it what came on a stream; whether it gave a receipt. */
  receive(bytes: Uint8Array): boolean {
    const from = { host: "10.9.9.9", port: 9 };
    return this.transport.receiveStream(from, bytes) !== undefined;
  }

  /** Hands it a packet. */
  receivePacket(bytes: Uint8Array): void {
    this.transport.receivePacket({ host: "10.9.9.9", port: 9 }, bytes);
  }

  #view(ownSession: Session): PeerView {
    const peerOf = (node: LinkNode): Peer => {
      const { session, ...changes } = { session: node.session, ...node.peer };
      return {
        name: node.name,
        address: node.host.address,
        state: "alive",
        runsGossipcheck: true,
        tags: new Map(),
        ...(session === undefined ? {} : { session }),
        ...changes,
      };
    };
    const others = () => this.#pair.nodes.filter((node) => node !== this);
    return {
      self: { ...peerOf(this), session: ownSession },
      *peers() {
        for (const node of others()) yield peerOf(node);
      },
      peer: (name) => {
        const node = others().find((other) => other.name === name);
        return node && peerOf(node);
      },
    };
  }
}
