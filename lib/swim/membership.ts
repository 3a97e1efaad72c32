/**
 * The membership machine: SWIM with Lifeguard, compatible with hashicorp memberlist v0.7.0. It does
 * no I/O: packets, stream messages, timers and commands are its methods, and all effects go through
 * `SwimEffects`.
 * @module
 */
import type { Address } from "../runtime.ts";
import { WireError } from "../errors.ts";
import { COMPOUND_MAX_PARTS } from "../limits.ts";
import { encodeMessage } from "../wire/codec.ts";
import type { PacketMessage, Ping, StreamMessage, User } from "../wire/messages.ts";
import { withJitter } from "../backoff.ts";
import { validateSettings } from "./config.ts";
import { LocalNode, type MembershipOptions } from "./local_node.ts";
import { Joiner } from "./joiner.ts";
import { Leaver } from "./leaver.ts";
import type { MemberRecord } from "./members.ts";
import { Prober } from "./probe.ts";
import { StateExchange } from "./push_pull.ts";
import { Reachability } from "./reachability.ts";
import { IndirectPings } from "./indirect_pings.ts";
import { PERIODIC_TASKS, type PeriodicTask, taskIntervalMs } from "./periodic_tasks.ts";
import { StateMessages } from "./state_messages.ts";
import { Reaper } from "./reaper.ts";
import { isForThisNode, Streams } from "./streams.ts";
import type { Exchange, Member, StreamSender, SwimTimer } from "./types.ts";
import { SuspicionTimers } from "./suspicion_timers.ts";

export type { MembershipOptions } from "./local_node.ts";

/** Maximum number of suspect and dead messages that one packet causes to be rebroadcast. */
const PACKET_REBROADCASTS = 255;

/**
 * The membership of one node: joins and leaves the cluster, detects failed members, and spreads
 * changes. The host calls its methods and implements `SwimEffects`.
 */
export class Membership {
  readonly #node: LocalNode;
  readonly #suspicions: SuspicionTimers;
  readonly #stateMessages: StateMessages;
  readonly #reachability: Reachability;
  readonly #prober: Prober;
  readonly #indirectPings: IndirectPings;
  readonly #state: StateExchange;
  readonly #joiner: Joiner;
  readonly #streams: Streams;
  readonly #reaper: Reaper;
  readonly #leaver: Leaver;
  readonly #generations = new Map<PeriodicTask, number>();
  #started = false;

  /** Raises `UsageError` if a setting is out of range. */
  constructor(options: MembershipOptions) {
    validateSettings(options.settings);
    const node = new LocalNode(options);
    this.#node = node;
    this.#suspicions = new SuspicionTimers({
      node,
      expired: (record) => this.#stateMessages.expire(record),
      pingStream: (record, timeoutMs) => this.#streams.ping({ record, timeoutMs }),
    });
    this.#stateMessages = new StateMessages({
      node,
      suspicions: this.#suspicions,
      failedOrLeft: (record) => this.#failedOrLeft(record),
    });
    this.#reachability = new Reachability({
      node,
      checkStream: (record) => this.#streams.ping({ record, timeoutMs: this.#streamCheckMs() }),
      probeSoon: (record) => this.#prober.probeSoon(record),
    });
    this.#prober = new Prober({
      node,
      reachability: this.#reachability,
      failed: (record) => this.#suspect(record),
      pingStream: (record, ping) => this.#streams.ping({ record, ...ping }),
    });
    this.#indirectPings = new IndirectPings({ node });
    this.#state = new StateExchange({
      node,
      stateMessages: this.#stateMessages,
      probeSoon: (record) => this.#prober.probeSoon(record),
    });
    this.#joiner = new Joiner({
      node,
      exchange: (purpose, to) => this.#streams.pushPull(purpose, to),
    });
    this.#streams = new Streams({
      node,
      state: this.#state,
      reachability: this.#reachability,
      prober: this.#prober,
      joiner: this.#joiner,
    });
    this.#reaper = new Reaper({ node });
    this.#leaver = new Leaver({ node, gossip: () => this.#gossip() });
  }

  /** Starts the periodic tasks and broadcasts this node's alive message. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#node.broadcasts.membership.queue(this.#node.name, encodeMessage(this.#node.ownAlive()));
    const { random } = this.#node.options;
    // The first delay is random, so that nodes that start together are not synchronized.
    for (const task of PERIODIC_TASKS) {
      this.#arm(task, this.#intervalMs(task) * random.next());
    }
  }

  /**
   * Joins through these addresses: opens a push/pull with each (with a few at random if they are
   * many) now, and again with back-off until each was reached. Each attempt emits `join_succeeded`
   * or `join_failed`.
   */
  join(addresses: readonly Address[]): void {
    if (!this.#node.leaving) this.#joiner.join(addresses);
  }

  /**
   * Rejoins through former members: opens a push/pull with a few of these addresses at random now,
   * and again with back-off until there is another member. Unlike with `join`, not each has to be
   * reached.
   */
  rejoin(addresses: readonly Address[]): void {
    if (!this.#node.leaving) this.#joiner.rejoin(addresses);
  }

  /** Leaves the cluster: emits `left` once the broadcast is sent, after `timeoutMs` at the latest. */
  leave(timeoutMs: number): void {
    this.#leaver.leave(timeoutMs);
  }

  /** Changes this node's metadata, at most 512 bytes, and broadcasts it. */
  updateMeta(meta: Uint8Array): void {
    if (this.#node.leaving) return;
    this.#node.updateSelf({ meta });
    this.#node.emit({ type: "member_updated", member: this.self() });
  }

  /** Handles one datagram. */
  receivePacket(from: Address, bytes: Uint8Array): void {
    let messages: PacketMessage[];
    try {
      messages = this.#node.options.envelope.openPacket(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#node.drop(error.reason, { from, detail: error.message });
    }
    const sender = this.#node.table.at(from);
    if (sender !== undefined) sender.heardMs = this.#node.nowMs();
    for (const message of messages) this.#receive(message, from);
    this.#reaper.reapByCount();
    this.#pushPullIfDue();
  }

  /** Handles a message on a stream that another node opened; returns the encoded reply, if any. */
  receiveStream(from: StreamSender, message: Exclude<StreamMessage, User>): Uint8Array | undefined {
    const reply = this.#streams.receive(from, message);
    this.#reaper.reapByCount();
    return reply;
  }

  /** Handles the reply of an exchange that `openExchange` opened. */
  receiveReply(exchange: Exchange, message: StreamMessage): void {
    this.#streams.replied(exchange, message);
    this.#reaper.reapByCount();
    this.#pushPullIfDue();
  }

  /** Handles the failure of an exchange that `openExchange` opened. */
  exchangeFailed(exchange: Exchange, reason: string): void {
    this.#streams.failed(exchange, reason);
  }

  /** Notes that the application could not reach a member over TCP. */
  streamFailed(name: string): void {
    const record = this.#node.table.get(name);
    if (record !== undefined) this.#streams.streamFailed(record);
  }

  /** Notes that the application reached a member over TCP. */
  streamWorked(name: string): void {
    const record = this.#node.table.get(name);
    if (record !== undefined) this.#reachability.streamWorked(record);
  }

  /** Handles a timer. Late and repeated timers are ignored if they are stale. */
  fire(timer: SwimTimer): void {
    if (this.#leaver.left) return;
    switch (timer.type) {
      case "probe_timeout":
        return this.#prober.timeout(timer);
      case "probe_deadline":
        return this.#prober.deadline(timer);
      case "indirect_ping_deadline":
        return this.#indirectPings.deadline(timer.sequence);
      case "suspicion":
        return this.#suspicions.fire(timer);
      case "rejoin":
        return this.#joiner.retry(timer.generation);
      case "leave":
        return this.#leaver.timeUp(timer.generation);
      default:
        return this.#firePeriodic(timer.type, timer.generation);
    }
  }

  /** This node as a member. */
  self(): Member {
    return this.#node.self.member;
  }

  /** All members, this node included, in no order. */
  *members(): Iterable<Member> {
    for (const { member } of this.#node.table.records()) yield member;
  }

  /** The member with this name, this node included. */
  member(name: string): Member | undefined {
    return this.#node.table.get(name)?.member;
  }

  /** Number of alive and suspect members, this node included; takes constant time. */
  get size(): number {
    return this.#node.clusterSize;
  }

  /** Local health score: 0 is healthy (Lifeguard's local health multiplier minus one). */
  get healthScore(): number {
    return this.#node.awareness.score;
  }

  /** Sends a user message to one member in a packet, which may be lost. Returns false if there is no such member. */
  sendUserPacket(name: string, payload: Uint8Array): boolean {
    const peer = this.#node.table.get(name);
    if (peer === undefined) return false;
    this.#node.send(peer.member.address, {
      messages: [{ type: "user", payload }],
      peer,
      piggyback: true,
    });
    return true;
  }

  #receive(message: PacketMessage, from: Address): void {
    const source = {
      from,
      answerTo: from,
      suppressAlive: false,
      rebroadcasts: PACKET_REBROADCASTS,
    };
    switch (message.type) {
      case "ping":
        return this.#answerPing(message, from);
      case "indirectPing":
        return this.#indirectPings.request(message, from);
      case "ack":
        return this.#receiveAck(message.sequence, from);
      case "nack":
        if (!this.#prober.nack(message.sequence)) {
          this.#node.drop("unexpected", { from, detail: "nack without a probe" });
        }
        return;
      case "alive":
        return this.#stateMessages.alive(message, source);
      case "suspect":
        return this.#stateMessages.suspect(message, source);
      case "dead":
        return this.#stateMessages.dead(message, source);
      case "user":
        return this.#node.emit({ type: "user_message", from, payload: message.payload });
      default:
        return message satisfies never;
    }
  }

  #answerPing(ping: Ping, from: Address): void {
    if (!isForThisNode(ping, { node: this.#node, from })) return;
    const ack: PacketMessage = {
      type: "ack",
      sequence: ping.sequence,
      payload: new Uint8Array(),
    };
    const source = ping.source?.name ?? "";
    const accusation = this.#stateMessages.accusation(source);
    this.#node.send(ping.source?.address ?? from, {
      messages: accusation === undefined ? [ack] : [ack, accusation],
      peer: this.#node.table.get(source),
      piggyback: true,
    });
  }

  #receiveAck(sequence: number, from: Address): void {
    if (this.#prober.ack(sequence, from)) return;
    if (this.#suspicions.ack(sequence) || this.#indirectPings.ack(sequence)) return;
    this.#node.drop("unexpected", { from, detail: "ack without a ping" });
  }

  #streamCheckMs(): number {
    const { probeIntervalMs, streamTimeoutMs } = this.#node.settings;
    return Math.min(3 * probeIntervalMs, streamTimeoutMs);
  }

  #suspect(record: MemberRecord): void {
    this.#stateMessages.suspect(this.#node.suspect(record), {
      from: this.#node.self.member.address,
      answerTo: undefined,
      suppressAlive: false,
      rebroadcasts: 0,
    });
  }

  #failedOrLeft(record: MemberRecord): void {
    this.#reachability.remove(record);
    if (this.#node.table.activeCount === 0) this.#joiner.allMembersLost();
  }

  #firePeriodic(task: PeriodicTask, generation: number): void {
    if (generation !== this.#generations.get(task)) return;
    const intervalMs = this.#intervalMs(task);
    const { random } = this.#node.options;
    this.#arm(task, task === "reconnect" ? withJitter(intervalMs, random) : intervalMs);
    // A node that leaves runs no task but gossip.
    if (this.#node.leaving && task !== "gossip") return;
    switch (task) {
      case "probe":
        return this.#prober.tick();
      case "gossip":
        return this.#gossip();
      case "push_pull":
        return this.#pushPull();
      case "reconnect":
        return this.#joiner.reconnect();
      case "reap":
        return this.#reaper.reapByTime();
      default:
        return task satisfies never;
    }
  }

  #intervalMs(task: PeriodicTask): number {
    const { settings, clusterSize } = this.#node;
    return taskIntervalMs(task, { settings, members: clusterSize });
  }

  #arm(task: PeriodicTask, delayMs: number): void {
    const generation = (this.#generations.get(task) ?? 0) + 1;
    this.#generations.set(task, generation);
    this.#node.options.effects.setTimer(delayMs, { type: task, generation });
  }

  #gossip(): void {
    const { table, settings, broadcasts } = this.#node;
    this.#stateMessages.repeatAnswers();
    if (!broadcasts.idle) {
      const sinceMs = this.#node.nowMs() - settings.gossipToTheDeadMs;
      for (const record of table.selectForGossip(settings.gossipNodes, sinceMs)) {
        const roomBytes = this.#node.options.envelope.packetRoomBytes();
        const parts = this.#node.takeBroadcasts(roomBytes, COMPOUND_MAX_PARTS);
        if (parts.length === 0) break;
        this.#node.sendParts(record.member.address, { parts, peer: record });
      }
    }
    this.#leaver.gossiped();
  }

  #pushPullIfDue(): void {
    if (!this.#state.takeDue()) return;
    const { options, settings } = this.#node;
    this.#arm("push_pull", settings.probeIntervalMs * (0.5 + options.random.next()));
  }

  #pushPull(): void {
    const [record] = this.#node.table.selectActive({
      count: 1,
      accept: ({ member }) => member.state === "alive" && member.degraded !== "udp",
    });
    if (record !== undefined) this.#streams.pushPull("push_pull", record.member.address);
  }
}
