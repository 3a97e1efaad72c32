/**
 * What all parts of the membership machine share: the table, the way out for packets and events,
 * and what this node says about itself.
 * @module
 */
import type { Address, Clock, Random } from "../runtime.ts";
import type { DropReason } from "../errors.ts";
import { COMPOUND_MAX_PARTS } from "../limits.ts";
import { encodeMessage } from "../wire/codec.ts";
import type { Envelope } from "../wire/envelope.ts";
import type { Alive, PacketMessage } from "../wire/messages.ts";
import { Awareness } from "./awareness.ts";
import { Broadcasts } from "./broadcasts.ts";
import { retransmitLimit, type SwimSettings } from "./config.ts";
import { below, type MemberRecord, MemberTable } from "./members.ts";
import { decodeMeta } from "./meta.ts";
import type { Exchange, ExchangePurpose, Member, SwimEffects, SwimEvent } from "./types.ts";
import { adoptVersions, fits, PROTOCOL_VERSIONS } from "./versions.ts";

/** What a membership machine is made of. */
export interface MembershipOptions {
  /** This node's name, unique in its cluster. */
  readonly name: string;
  /** Where other nodes reach it. */
  readonly address: Address;
  /** What it publishes, at most 512 bytes; see `meta.ts`. */
  readonly meta: Uint8Array;
  /** Timings; checked with `validateSettings`. */
  readonly settings: SwimSettings;
  /** Wraps and unwraps what goes over the network. */
  readonly envelope: Envelope;
  /** Does what the machine wants done. */
  readonly effects: SwimEffects;
  /** Time. */
  readonly clock: Clock;
  /** Chance. */
  readonly random: Random;
  /** Incarnation to start with, where an earlier life is remembered. Default 1. */
  readonly firstIncarnation?: number;
  /** Where to look for the cluster when every member is lost, beside what `join` was given. */
  readonly peers?: readonly Address[];
}

/** One packet to send. */
export interface Outgoing {
  /** What goes whatever happens, in this order. */
  readonly messages: readonly PacketMessage[];
  /** Whom it is for, where known: decides about CRC and compression. */
  readonly peer?: MemberRecord | undefined;
  /** Whether news rides along where there is room. */
  readonly piggyback: boolean;
}

/** One packet whose messages are encoded already. */
export interface OutgoingParts {
  /** 1 to 255 messages. */
  readonly parts: readonly Uint8Array[];
  /** Whom it is for, where known. */
  readonly peer: MemberRecord | undefined;
}

/** The state that the parts share, and the only way to the outside. */
export class Core {
  /** Who we are and what we were given. */
  readonly options: MembershipOptions;
  /** All members. */
  readonly table: MemberTable;
  /** News on its way. */
  readonly broadcasts: Broadcasts;
  /** Local health. */
  readonly awareness: Awareness;
  /** This node's own record. */
  readonly self: MemberRecord;
  /** Set once this node is on its way out. */
  leaving = false;
  readonly #foreign = new WeakMap<Uint8Array, boolean>();
  /** The highest Lamport time that Serf nodes told, where there are any. */
  serfTime = 0;
  #sequence: number;
  #exchanges = 0;

  /** Begins with this node alone. */
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
      incarnation: options.firstIncarnation ?? 1,
      versions: [min, max, current, delegateMin, delegateMax, delegateMin],
      stateSinceMs: options.clock.nowMs(),
    }, { self: true });
  }

  /** This node's name. */
  get name(): string {
    return this.options.name;
  }

  /** Timings. */
  get settings(): SwimSettings {
    return this.options.settings;
  }

  /** Members in the cluster, this node included. */
  get clusterSize(): number {
    return this.table.activeCount + 1;
  }

  /** Now. */
  nowMs(): number {
    return this.options.clock.nowMs();
  }

  /** Tells the application. */
  emit(event: SwimEvent): void {
    this.options.effects.emit(event);
  }

  /** Counts input that was dropped, with who sent it and what it was. */
  drop(reason: DropReason, input: { readonly from: Address; readonly detail: string }): void {
    this.emit({ type: "dropped", reason, ...input });
  }

  /** A number for a ping that no other recent ping has. */
  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  /** Names an exchange. */
  exchange(purpose: ExchangePurpose, to: Address): Exchange {
    return { id: ++this.#exchanges, purpose, to };
  }

  /** Sends one packet. */
  send(to: Address, { messages, peer, piggyback }: Outgoing): void {
    const { envelope } = this.options;
    const parts: Uint8Array[] = messages.map((message) => encodeMessage(message));
    if (piggyback && !this.broadcasts.idle) {
      let bytes = envelope.packetRoomBytes();
      for (const part of parts) bytes -= part.length + envelope.partOverheadBytes;
      parts.push(...this.takeNews(bytes, COMPOUND_MAX_PARTS - parts.length));
    }
    this.sendParts(to, { parts, peer });
  }

  /** News for one packet of which `bytes` and `parts` are left. */
  takeNews(bytes: number, parts: number): Uint8Array[] {
    const limit = retransmitLimit(this.settings.retransmitMult, this.clusterSize);
    return this.broadcasts.take({ bytes, parts }, limit);
  }

  /** Seals encoded messages into one packet and sends it. */
  sendParts(to: Address, { parts, peer }: OutgoingParts): void {
    const packet = this.options.envelope.sealPacket(parts, {
      crc: peer !== undefined && peer.member.versions[1] >= 5,
      compress: this.compressesFor(peer),
    });
    this.options.effects.sendPacket(to, packet);
  }

  /** What this node says about itself. */
  ownAlive(): Alive {
    const { name, address, meta, incarnation, versions } = this.self.member;
    return { type: "alive", name, address, meta, incarnation, versions };
  }

  /** Takes over `changes` about this node under an incarnation above `above`, and spreads it. */
  speak(changes: Partial<Pick<Member, "meta" | "versions">>, above = 0): void {
    const member = this.self.member;
    const incarnation = Math.max(member.incarnation, above) + 1;
    this.table.update(this.self, { ...member, ...changes, incarnation });
    this.broadcasts.membership.queue(this.name, encodeMessage(this.ownAlive()));
  }

  /** Moves our delegate version to where all alive members, and `more`, can live with it. */
  adoptVersions(more: readonly Pick<Member, "name" | "state" | "versions">[]): void {
    const current = this.self.member.versions[5];
    // Those we hold were looked at when they were met: it takes a newcomer that does not fit.
    if (this.leaving || more.every((node) => fits(current, node))) return;
    const table = this.table;
    const everyone = function* () {
      for (const { member } of table.active()) yield member;
      yield* more;
    };
    const own = this.self.member.versions;
    const versions = adoptVersions(own, everyone());
    if (versions !== own) this.speak({ versions });
  }

  /** Whether what goes to a member is compressed: not to ours, which are spared the cost of it. */
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
