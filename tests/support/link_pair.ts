/**
 * Two nodes with a link machine each on a simulated network, and a record of what they send, receive
 * and drop.
 * @module
 */
import { concat } from "@std/bytes";
import type { DropReason } from "../../lib/errors.ts";
import { newSession, type Session } from "../../lib/link/header.ts";
import type { Link } from "../../lib/link/link.ts";
import type { LinkPeer, StreamEnd } from "../../lib/link/types.ts";
import { type AddressedPeers, linkHost } from "./gossip_links.ts";
import type { VirtualHost } from "./world_host.ts";
import { VirtualNetwork } from "./world_network.ts";
import { SeededRandom } from "./world_time.ts";

/** How the membership's view of a member differs from an alive one that publishes its session. */
export type PeerChanges =
  & Partial<Pick<LinkPeer, "state" | "degraded">>
  & { readonly session?: Session | undefined };

/** Options of `LinkPair`. */
export interface LinkPairOptions {
  /** Determines everything random. */
  readonly seed: number;
  /** As `SessionsOptions` has it. */
  readonly maxSessions?: number;
}

/** Two nodes, `a` and `b`, and their network. */
export class LinkPair {
  readonly network: VirtualNetwork;
  readonly a: LinkNode;
  readonly b: LinkNode;
  readonly options: LinkPairOptions;

  constructor(options: LinkPairOptions) {
    this.options = options;
    this.network = new VirtualNetwork(options);
    this.a = new LinkNode("a", this);
    this.b = new LinkNode("b", this);
    this.a.start();
    this.b.start();
  }

  /** Both nodes. */
  get nodes(): LinkNode[] {
    return [this.a, this.b];
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.network.schedule.pass(ms);
  }

  /** Lets time pass until a condition holds; returns the milliseconds that it took. */
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
}

/** A node with a link machine. */
export class LinkNode {
  readonly name: string;
  readonly host: VirtualHost;
  /** How the other node sees this one. */
  peer: PeerChanges = {};
  /** The session that the other node knows of this one. */
  session: Session = "";
  /** Messages delivered, over all sessions. */
  readonly delivered: { readonly from: string; readonly message: Uint8Array }[] = [];
  /** Reports of `sent`, over all sessions. */
  readonly results: [number, boolean][] = [];
  /** Reports of `reachable`. */
  readonly reachable: [string, boolean][] = [];
  /** Input dropped. */
  readonly drops: { reason: DropReason; from: string; detail: string }[] = [];
  /** Packets sent. */
  readonly packets: Uint8Array[] = [];
  /** Whether packets are only recorded, not sent. */
  holdsPackets = false;
  /** Sees every stream and what would be written on it; true keeps the stream from being opened. */
  onStream: ((id: number, bytes: Uint8Array) => boolean) | undefined;
  link!: Link;
  readonly #pair: LinkPair;
  readonly #random: SeededRandom;
  #lastId = 0;

  constructor(name: string, pair: LinkPair) {
    this.name = name;
    this.#pair = pair;
    this.#random = new SeededRandom(`${name} ${pair.options.seed}`);
    const host = `10.0.0.${name.charCodeAt(0)}`;
    this.host = pair.network.addHost({ host, port: 3505 });
  }

  /** Starts or restarts the node. With `known: false` the other node does not learn its session. */
  start(options: { readonly known?: boolean; readonly session?: Session } = {}): void {
    const session = options.session ?? newSession(this.#random);
    if (options.known ?? true) this.session = session;
    this.host.end();
    this.link = linkHost({
      host: this.host,
      peers: this.#view(),
      session,
      random: this.#random,
      maxSessions: this.#pair.options.maxSessions,
      sent: (id, ok) => this.results.push([id, ok]),
      deliver: (message, from) => this.delivered.push({ from, message }),
      drop: (drop) => this.drops.push(drop),
      reachable: (name, ok) => this.reachable.push([name, ok]),
      sessionChanged: (next) => this.session = next,
      packet: (_to, payload) => {
        this.packets.push(payload);
        return this.holdsPackets ? undefined : payload;
      },
      stream: (id, bytes) => this.onStream?.(id, bytes) ?? false,
    });
  }

  /** Sends a message; returns its id in `results`. */
  send(to: string, message: Uint8Array): number {
    const id = ++this.#lastId;
    const address = this.#pair.nodes.find(({ name }) => name === to)?.host.address;
    this.link.send({
      id,
      to: { name: to, address: address ?? { host: "10.0.0.1", port: 1 } },
      message,
      timeoutMs: 10_000,
    });
    return id;
  }

  /** Returns what the node would write to a stream for a message, without sending it. */
  capture(to: string, message: Uint8Array): Uint8Array {
    let captured = new Uint8Array(0);
    const { onStream } = this;
    this.onStream = (_id, bytes) => {
      captured = concat([bytes]);
      return true;
    };
    this.send(to, message);
    this.onStream = onStream;
    return captured;
  }

  /** Keeps its streams from being opened; each ends as `end` says, once its bytes are known. */
  endStreams(end: (bytes: Uint8Array) => StreamEnd): void {
    this.onStream = (id, bytes) => {
      this.#pair.network.schedule.after(0, () => this.link.streamEnded(id, end(bytes)));
      return true;
    };
  }

  /** Passes the node what came on a stream; returns whether it wrote an ack. */
  receiveStream(bytes: Uint8Array): boolean {
    const from = { host: "10.9.9.9", port: 9 };
    return this.link.receiveStream(from, bytes) !== undefined;
  }

  /** Passes the node a packet. */
  receivePacket(bytes: Uint8Array): void {
    this.link.receivePacket({ host: "10.9.9.9", port: 9 }, bytes);
  }

  #view(): AddressedPeers {
    const others = () => this.#pair.nodes.filter((node) => node !== this);
    return {
      self: this,
      peer: (name) => {
        const node = others().find((other) => other.name === name);
        if (node === undefined) return undefined;
        const { session, ...changes } = { session: node.session, ...node.peer };
        return {
          address: node.host.address,
          state: "alive",
          ...(session === undefined ? {} : { session }),
          ...changes,
        };
      },
    };
  }
}
