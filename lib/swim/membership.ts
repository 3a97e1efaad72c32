/**
 * The membership machine: SWIM with Lifeguard as hashicorp memberlist v0.7.0 speaks it. It does no
 * I/O: packets, stream messages, timers and commands come in by its methods, and what they cause
 * goes out by `SwimEffects`.
 * @module
 */
import type { Address } from "../runtime.ts";
import { WireError } from "../errors.ts";
import { COMPOUND_MAX_PARTS } from "../limits.ts";
import { encodeMessage } from "../wire/codec.ts";
import type { PacketMessage, Ping, StreamMessage } from "../wire/messages.ts";
import { validateSettings, withJitter } from "./config.ts";
import { Core, type MembershipOptions } from "./core.ts";
import { Joiner } from "./joiner.ts";
import { Leaver } from "./leaver.ts";
import type { MemberRecord } from "./members.ts";
import { Prober } from "./probe.ts";
import { StateExchange } from "./push_pull.ts";
import { Reachability } from "./reachability.ts";
import { Relay } from "./relay.ts";
import { type Round, roundMs, ROUNDS } from "./rounds.ts";
import { Rumours } from "./rumours.ts";
import { Reaper } from "./reaper.ts";
import { isForUs, Streams } from "./streams.ts";
import type { Exchange, Member, StreamSender, SwimTimer } from "./types.ts";
import { SuspicionWatch } from "./watch.ts";

export type { MembershipOptions } from "./core.ts";

/** Accusations that one packet may put back into gossip: as many as a packet can hold. */
const PACKET_ACCUSATIONS = 255;

/** One node's view of its cluster, and its part in keeping everybody's. */
export class Membership {
  readonly #core: Core;
  readonly #watch: SuspicionWatch;
  readonly #rumours: Rumours;
  readonly #reachability: Reachability;
  readonly #prober: Prober;
  readonly #relay: Relay;
  readonly #state: StateExchange;
  readonly #joiner: Joiner;
  readonly #streams: Streams;
  readonly #reaper: Reaper;
  readonly #leaver: Leaver;
  readonly #generations = new Map<Round, number>();
  #started = false;

  /** Raises `UsageError` where the settings are out of range. */
  constructor(options: MembershipOptions) {
    validateSettings(options.settings);
    const core = new Core(options);
    this.#core = core;
    this.#watch = new SuspicionWatch({
      core,
      expired: (record) => this.#rumours.expire(record),
      pingStream: (record, timeoutMs) => this.#streams.ping({ record, timeoutMs }),
    });
    this.#rumours = new Rumours({ core, watch: this.#watch, gone: (record) => this.#gone(record) });
    this.#reachability = new Reachability({
      core,
      checkStream: (record) => this.#streams.ping({ record, timeoutMs: this.#streamCheckMs() }),
      hurry: (record) => this.#prober.hurry(record),
    });
    this.#prober = new Prober({
      core,
      reachability: this.#reachability,
      failed: (record) => this.#suspect(record),
      pingStream: (record, ping) => this.#streams.ping({ record, ...ping }),
    });
    this.#relay = new Relay({ core });
    this.#state = new StateExchange({
      core,
      rumours: this.#rumours,
      hurry: (record) => this.#prober.hurry(record),
    });
    this.#joiner = new Joiner({
      core,
      exchange: (purpose, to) => this.#streams.pushPull(purpose, to),
    });
    this.#streams = new Streams({
      core,
      state: this.#state,
      reachability: this.#reachability,
      prober: this.#prober,
      joiner: this.#joiner,
    });
    this.#reaper = new Reaper({ core });
    this.#leaver = new Leaver({ core, gossip: () => this.#gossip() });
  }

  /** Timers begin, and this node begins to say that it is there. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#core.broadcasts.membership.queue(this.#core.name, encodeMessage(this.#core.ownAlive()));
    const { random } = this.#core.options;
    // A random first turn, so that nodes started together do not act in step.
    for (const round of ROUNDS) {
      this.#arm(round, this.#roundMs(round) * random.next());
    }
  }

  /**
   * Exchanges state with each of these (with a few at random where they are many), now and, with
   * growing pauses, until each was reached. Events: `join_succeeded`, `join_failed` for each try.
   */
  join(addresses: readonly Address[]): void {
    if (!this.#core.leaving) this.#joiner.join(addresses);
  }

  /**
   * Exchanges state with a few of these at random, and, while nobody is there, again with growing
   * pauses. For members of the past: unlike those of `join`, not each of them has to be reached.
   */
  rejoin(addresses: readonly Address[]): void {
    if (!this.#core.leaving) this.#joiner.rejoin(addresses);
  }

  /** Says goodbye. Event `left` once that was told often enough, or after `timeoutMs`. */
  leave(timeoutMs: number): void {
    this.#leaver.leave(timeoutMs);
  }

  /** Publishes another meta, at most 512 bytes. */
  updateMeta(meta: Uint8Array): void {
    if (this.#core.leaving) return;
    this.#core.speak({ meta });
    this.#core.emit({ type: "member_updated", member: this.self() });
  }

  /** One datagram came. */
  receivePacket(from: Address, bytes: Uint8Array): void {
    let messages: PacketMessage[];
    try {
      messages = this.#core.options.envelope.openPacket(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#core.drop(error.reason, { from, detail: error.message });
    }
    const sender = this.#core.table.at(from);
    if (sender !== undefined) sender.heardMs = this.#core.nowMs();
    for (const message of messages) this.#receive(message, from);
    this.#reaper.reapByCount();
    this.#syncWhereDue();
  }

  /** One message came on a stream that another node opened; the sealed reply to write, if any. */
  receiveStream(from: StreamSender, message: StreamMessage): Uint8Array | undefined {
    const reply = this.#streams.receive(from, message);
    this.#reaper.reapByCount();
    return reply;
  }

  /** The reply of an exchange that was opened for us. */
  receiveReply(exchange: Exchange, message: StreamMessage): void {
    this.#streams.replied(exchange, message);
    this.#reaper.reapByCount();
    this.#syncWhereDue();
  }

  /** An exchange that was opened for us came to nothing. */
  exchangeFailed(exchange: Exchange, reason: string): void {
    this.#streams.failed(exchange, reason);
  }

  /** The application could not reach a member over TCP. */
  streamFailed(name: string): void {
    const record = this.#core.table.get(name);
    if (record !== undefined) this.#streams.streamFailed(record);
  }

  /** The application reached a member over TCP. */
  streamWorked(name: string): void {
    const record = this.#core.table.get(name);
    if (record !== undefined) this.#reachability.streamWorked(record);
  }

  /** A timer fired. Late and repeated ones do no harm. */
  fire(timer: SwimTimer): void {
    if (this.#leaver.left) return;
    switch (timer.type) {
      case "probe_timeout":
        return this.#prober.timeout(timer);
      case "probe_deadline":
        return this.#prober.deadline(timer);
      case "relay_deadline":
        return this.#relay.deadline(timer.sequence);
      case "suspicion":
        return this.#watch.fire(timer);
      case "rejoin":
        return this.#joiner.retry(timer.generation);
      case "leave":
        return this.#leaver.timeUp(timer.generation);
      default:
        return this.#fireRound(timer.type, timer.generation);
    }
  }

  /** This node. */
  self(): Member {
    return this.#core.self.member;
  }

  /** All members, this node included, in no order. */
  *members(): Iterable<Member> {
    for (const { member } of this.#core.table.records()) yield member;
  }

  /** One member by name, this node included. */
  member(name: string): Member | undefined {
    return this.#core.table.get(name)?.member;
  }

  /** Members of the cluster that are alive or suspect, this node included; costs nothing. */
  get size(): number {
    return this.#core.clusterSize;
  }

  /** Local health: 0 is healthy (Lifeguard's local health multiplier, less one). */
  get healthScore(): number {
    return this.#core.awareness.score;
  }

  /**
   * Lets `payload` ride on packets until it was sent often enough to reach all members, with a
   * share of every packet kept for it. A later one under the same `name` replaces it. False where
   * it is too large for a packet.
   */
  queueUserBroadcast(name: string, payload: Uint8Array): boolean {
    return this.#core.broadcasts.queueApplication(name, encodeMessage({ type: "user", payload }));
  }

  /** Sends `payload` to one member in one packet, which may be lost. False where it is not known. */
  sendUserPacket(name: string, payload: Uint8Array): boolean {
    const peer = this.#core.table.get(name);
    if (peer === undefined) return false;
    this.#core.send(peer.member.address, {
      messages: [{ type: "user", payload }],
      peer,
      piggyback: true,
    });
    return true;
  }

  #receive(message: PacketMessage, from: Address): void {
    const origin = { from, answerTo: from, quiet: false, accusations: PACKET_ACCUSATIONS };
    switch (message.type) {
      case "ping":
        return this.#answerPing(message, from);
      case "indirectPing":
        return this.#relay.request(message, from);
      case "ack":
        return this.#receiveAck(message.sequence, from);
      case "nack":
        if (!this.#prober.nack(message.sequence)) {
          this.#core.drop("unexpected", { from, detail: "nack for no probe of ours" });
        }
        return;
      case "alive":
        return this.#rumours.alive(message, origin);
      case "suspect":
        return this.#rumours.suspect(message, origin);
      case "dead":
        return this.#rumours.dead(message, origin);
      case "user":
        return this.#core.emit({
          type: "user_message",
          from,
          payload: message.payload,
          via: "packet",
        });
      default:
        return message satisfies never;
    }
  }

  #answerPing(ping: Ping, from: Address): void {
    if (!isForUs(ping, { core: this.#core, from })) return;
    const ack: PacketMessage = {
      type: "ack",
      sequence: ping.sequence,
      payload: new Uint8Array(),
    };
    const source = ping.source?.name ?? "";
    const accusation = this.#rumours.accusation(source);
    this.#core.send(ping.source?.address ?? from, {
      messages: accusation === undefined ? [ack] : [ack, accusation],
      peer: this.#core.table.get(source),
      piggyback: true,
    });
  }

  #receiveAck(sequence: number, from: Address): void {
    if (this.#prober.ack(sequence, from)) return;
    if (this.#watch.ack(sequence) || this.#relay.ack(sequence)) return;
    this.#core.drop("unexpected", { from, detail: "ack for no ping of ours" });
  }

  #streamCheckMs(): number {
    const { probeIntervalMs, streamTimeoutMs } = this.#core.settings;
    return Math.min(3 * probeIntervalMs, streamTimeoutMs);
  }

  #suspect(record: MemberRecord): void {
    const { name, incarnation } = record.member;
    const { address } = this.#core.self.member;
    this.#rumours.suspect({ type: "suspect", name, incarnation, from: this.#core.name }, {
      from: address,
      answerTo: undefined,
      quiet: false,
      accusations: 0,
    });
  }

  #gone(record: MemberRecord): void {
    this.#reachability.forget(record);
    if (this.#core.table.activeCount === 0) this.#joiner.alone();
  }

  #fireRound(round: Round, generation: number): void {
    if (generation !== this.#generations.get(round)) return;
    const roundMs = this.#roundMs(round);
    const { random } = this.#core.options;
    if (round === "probe") this.#prober.due(this.#core.nowMs() + roundMs);
    this.#arm(round, round === "reconnect" ? withJitter(roundMs, random.next()) : roundMs);
    // Who is leaving has no more to find out.
    if (this.#core.leaving && round !== "gossip") return;
    switch (round) {
      case "probe":
        return this.#prober.tick();
      case "gossip":
        return this.#gossip();
      case "push_pull":
        return this.#syncState();
      case "reconnect":
        return this.#joiner.reconnect();
      case "reap":
        return this.#reaper.reapByTime();
      default:
        return round satisfies never;
    }
  }

  #roundMs(round: Round): number {
    const { settings, clusterSize } = this.#core;
    return roundMs(round, { settings, members: clusterSize });
  }

  #arm(round: Round, delayMs: number): void {
    const generation = (this.#generations.get(round) ?? 0) + 1;
    this.#generations.set(round, generation);
    this.#core.options.effects.setTimer(delayMs, { type: round, generation });
  }

  #gossip(): void {
    const { table, settings, broadcasts } = this.#core;
    this.#rumours.repeatAnswers();
    if (!broadcasts.idle) {
      const sinceMs = this.#core.nowMs() - settings.gossipToTheDeadMs;
      for (const record of table.drawForGossip(settings.gossipNodes, sinceMs)) {
        const roomBytes = this.#core.options.envelope.packetRoomBytes();
        const parts = this.#core.takeNews(roomBytes, COMPOUND_MAX_PARTS);
        if (parts.length === 0) break;
        this.#core.sendParts(record.member.address, { parts, peer: record });
      }
    }
    this.#leaver.gossiped();
  }

  #syncWhereDue(): void {
    if (!this.#state.takeDue()) return;
    const { options, settings } = this.#core;
    this.#arm("push_pull", settings.probeIntervalMs * (0.5 + options.random.next()));
  }

  #syncState(): void {
    const [record] = this.#core.table.drawActive({
      count: 1,
      accept: ({ member }) => member.state === "alive" && member.degraded !== "udp",
    });
    if (record !== undefined) this.#streams.pushPull("push_pull", record.member.address);
  }
}
