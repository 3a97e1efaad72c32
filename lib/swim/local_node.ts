/**
 * The local node: the state that all parts of the membership machine share (member table, broadcast
 * queues, local health, this node's own record), and the methods by which they send and emit.
 * @module
 */
import type { Address, Clock, Random } from "../runtime.ts";
import type { DropReason } from "../errors.ts";
import { COMPOUND_MAX_PARTS } from "../limits.ts";
import { encodeMessage } from "../wire/codec.ts";
import type { Envelope } from "../wire/envelope.ts";
import type { Alive, PacketMessage, Ping, Suspect } from "../wire/messages.ts";
import { Awareness } from "./awareness.ts";
import { Broadcasts } from "./broadcasts.ts";
import { retransmitLimit, type SwimSettings } from "./config.ts";
import { aliveMessage, below, type MemberRecord, MemberTable } from "./members.ts";
import { decodeMeta } from "./meta.ts";
import type { Exchange, ExchangePurpose, Member, SwimEffects, SwimEvent } from "./types.ts";
import { adoptVersions, fits, PROTOCOL_VERSIONS } from "./versions.ts";

/** Options of a membership machine. */
export interface MembershipOptions {
  /** This node's name, unique in its cluster. */
  readonly name: string;
  /** The address at which other nodes reach this node. */
  readonly address: Address;
  /** This node's metadata, at most 512 bytes; see `meta.ts`. */
  readonly meta: Uint8Array;
  readonly settings: SwimSettings;
  /** Encodes, encrypts and decodes packets and stream messages. */
  readonly envelope: Envelope;
  readonly effects: SwimEffects;
  readonly clock: Clock;
  readonly random: Random;
}

/** One packet to send. */
export interface Outgoing {
  /** The messages that it must hold, in this order. */
  readonly messages: readonly PacketMessage[];
  /** The receiver's record, if known: decides on CRC and compression. */
  readonly peer?: MemberRecord | undefined;
  /** Whether broadcasts fill the rest of the packet. */
  readonly piggyback: boolean;
}

/** One packet whose messages are encoded already. */
export interface OutgoingParts {
  /** 1 to 255 messages. */
  readonly parts: readonly Uint8Array[];
  /** The receiver's record, if known: decides on CRC and compression. */
  readonly peer: MemberRecord | undefined;
}

/** The state that the parts of one membership machine share, and their access to its effects. */
export class LocalNode {
  /** The options that the machine was created with. */
  readonly options: MembershipOptions;
  /** All members, this node included. */
  readonly table: MemberTable;
  /** Queued broadcasts. */
  readonly broadcasts: Broadcasts;
  /** Local health score. */
  readonly awareness: Awareness;
  /** This node's own record. */
  readonly self: MemberRecord;
  /** Whether this node has announced that it leaves. */
  leaving = false;
  readonly #foreign = new WeakMap<Uint8Array, boolean>();
  /** The highest Lamport time that Serf nodes have sent; 0 without Serf. */
  serfTime = 0;
  #sequence: number;
  #exchanges = 0;

  /** Begins with this node as the only member. */
  constructor(options: MembershipOptions) {
    const { settings, envelope } = options;
    this.options = options;
    this.#sequence = below(options.random, 0x4000_0000);
    this.table = new MemberTable(options);
    this.awareness = new Awareness({ maxMultiplier: settings.awarenessMaxMultiplier });
    this.broadcasts = new Broadcasts({
      overheadBytes: envelope.partOverheadBytes,
      applicationShare: settings.applicationShare,
      packetRoomBytes: envelope.packetRoomBytes(),
    });
    const { min, max, current } = PROTOCOL_VERSIONS;
    const { delegateMin, delegateMax } = settings;
    this.self = this.table.add({
      name: options.name,
      address: options.address,
      meta: options.meta,
      state: "alive",
      incarnation: 1,
      versions: [min, max, current, delegateMin, delegateMax, delegateMin],
      stateSinceMs: options.clock.nowMs(),
    }, { self: true });
  }

  /** This node's name. */
  get name(): string {
    return this.options.name;
  }

  /** Settings of the machine. */
  get settings(): SwimSettings {
    return this.options.settings;
  }

  /** Number of alive and suspect members, this node included. */
  get clusterSize(): number {
    return this.table.activeCount + 1;
  }

  /** Current time in milliseconds of the monotonic clock. */
  nowMs(): number {
    return this.options.clock.nowMs();
  }

  /** Hands an event to the application. */
  emit(event: SwimEvent): void {
    this.options.effects.emit(event);
  }

  /** Emits a `dropped` event for input that was discarded. */
  drop(reason: DropReason, input: { readonly from: Address; readonly detail: string }): void {
    this.emit({ type: "dropped", reason, ...input });
  }

  /** Returns a sequence number that no other recent ping has, 32 bits. */
  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  /** Creates an exchange with a new id. */
  exchange(purpose: ExchangePurpose, to: Address): Exchange {
    return { id: ++this.#exchanges, purpose, to };
  }

  /** Sends one packet with the given messages and, with `piggyback`, broadcasts. */
  send(to: Address, { messages, peer, piggyback }: Outgoing): void {
    const { envelope } = this.options;
    const parts: Uint8Array[] = messages.map((message) => encodeMessage(message));
    if (piggyback && !this.broadcasts.idle) {
      let bytes = envelope.packetRoomBytes();
      for (const part of parts) bytes -= part.length + envelope.partOverheadBytes;
      parts.push(...this.takeBroadcasts(bytes, COMPOUND_MAX_PARTS - parts.length));
    }
    this.sendParts(to, { parts, peer });
  }

  /** Takes broadcasts for a packet that has space for `bytes` bytes and `parts` parts. */
  takeBroadcasts(bytes: number, parts: number): Uint8Array[] {
    const limit = retransmitLimit(this.settings.retransmitMult, this.clusterSize);
    return this.broadcasts.take({ bytes, parts }, limit);
  }

  /** Sends one packet with the given encoded messages. */
  sendParts(to: Address, { parts, peer }: OutgoingParts): void {
    const packet = this.options.envelope.sealPacket(parts, {
      crc: peer !== undefined && peer.member.versions[1] >= 5,
      compress: this.compressesFor(peer),
    });
    this.options.effects.sendPacket(to, packet);
  }

  /** The alive message about this node. */
  ownAlive(): Alive {
    return aliveMessage(this.self.member);
  }

  /** A ping from this node to the node named `targetName`. */
  ping(sequence: number, targetName: string): Ping {
    const { name, address } = this.self.member;
    return { type: "ping", sequence, targetName, source: { name, address } };
  }

  /** The suspect message about a member from this node. */
  suspect({ member: { name, incarnation } }: MemberRecord): Suspect {
    return { type: "suspect", name, incarnation, from: this.name };
  }

  /**
   * Changes this node's own record, raises its incarnation by at least one and above `above`, and
   * broadcasts the new alive message.
   */
  updateSelf(changes: Partial<Pick<Member, "meta" | "versions">>, above = 0): void {
    const member = this.self.member;
    const incarnation = Math.max(member.incarnation, above) + 1;
    this.table.update(this.self, { ...member, ...changes, incarnation });
    this.broadcasts.membership.queue(this.name, encodeMessage(this.ownAlive()));
  }

  /** Moves this node's delegate version to one that all alive members and `more` accept, if there is one. */
  adoptVersions(more: readonly Pick<Member, "name" | "state" | "versions">[]): void {
    const current = this.self.member.versions[5];
    // Known members were checked when they joined: only a new node can require a change.
    if (this.leaving || more.every((node) => fits(current, node))) return;
    const table = this.table;
    const everyone = function* () {
      for (const { member } of table.active()) yield member;
      yield* more;
    };
    const own = this.self.member.versions;
    const versions = adoptVersions(own, everyone());
    if (versions !== own) this.updateSelf({ versions });
  }

  /**
   * Whether to compress packets and streams to a member: not if it runs gossipcheck, to save CPU, nor
   * if it is unknown.
   */
  compressesFor(peer: MemberRecord | undefined): boolean {
    return this.options.envelope.options.compress && peer !== undefined &&
      this.#isForeign(peer.member.meta);
  }

  #isForeign(meta: Uint8Array): boolean {
    let foreign = this.#foreign.get(meta);
    if (foreign === undefined) {
      foreign = !decodeMeta(meta).runsGossipcheck;
      this.#foreign.set(meta, foreign);
    }
    return foreign;
  }
}
