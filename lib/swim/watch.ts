/**
 * Suspicions under way: their timers, and the last look at a suspect before it is declared failed.
 *
 * memberlist declares a suspect failed the moment its time is up. Here the last part of that time,
 * one probe interval, is used to ping it directly with the accusation in the same packet (the buddy
 * system of Lifeguard section IV-C); one answer extends the suspicion. Under heavy loss that is
 * what keeps live members in, and a dead one is still declared when memberlist would.
 * @module
 */
import type { Core } from "./core.ts";
import { suspicionTimeoutMs, wantedConfirmations } from "./config.ts";
import type { Ping } from "../wire/messages.ts";
import type { MemberRecord } from "./members.ts";
import { Suspicion } from "./suspicion.ts";
import type { SwimTimer } from "./types.ts";

/** What the watch is made of. */
export interface WatchOptions {
  /** Shared state. */
  readonly core: Core;
  /** Called when a suspicion ran out with nothing heard. */
  readonly expired: (record: MemberRecord) => void;
  /** Tries the suspect over TCP. */
  readonly pingStream: (record: MemberRecord, timeoutMs: number) => void;
}

/** Pings that all members together aim at one suspect in its last interval. */
const PINGS_IN_ALL = 120;
/** Pings of one member at most. */
const PINGS_MAX = 6;
/** Members, about, that also try TCP. */
const STREAM_PINGS_IN_ALL = 6;

/** Runs every suspicion of one machine. */
export class SuspicionWatch {
  readonly #core: Core;
  readonly #options: WatchOptions;
  readonly #pinged = new Map<number, MemberRecord>();
  #tokens = 0;

  /** Begins with no suspicion. */
  constructor(options: WatchOptions) {
    this.#core = options.core;
    this.#options = options;
  }

  /** A suspicion of `record`, which is in state suspect already, begins. */
  begin(record: MemberRecord, from: string): void {
    const { suspicionMult, suspicionMaxTimeoutMult, probeIntervalMs } = this.#core.settings;
    const members = this.#core.clusterSize;
    const minMs = suspicionTimeoutMs({ mult: suspicionMult, members, intervalMs: probeIntervalMs });
    record.suspicion = new Suspicion({
      from,
      startMs: this.#core.nowMs(),
      wanted: wantedConfirmations(suspicionMult, members),
      minMs,
      maxMs: minMs * suspicionMaxTimeoutMult,
    });
    this.#arm(record);
  }

  /** Another accuser; true where that is news. */
  confirm(record: MemberRecord, from: string): boolean {
    if (record.suspicion?.confirm(from) !== true) return false;
    if (record.watch === undefined) this.#arm(record);
    return true;
  }

  /** The suspicion is over, for good or ill. */
  end(record: MemberRecord): void {
    if (record.watch !== undefined) this.#pinged.delete(record.watch.sequence);
    record.suspicion = undefined;
    record.watch = undefined;
    record.timerToken = ++this.#tokens;
  }

  /** A timer of a suspicion fired. */
  fire(timer: SwimTimer & { readonly type: "suspicion" }): void {
    const record = this.#core.table.get(timer.name);
    if (record?.suspicion === undefined || record.timerToken !== timer.token) return;
    const now = this.#core.nowMs();
    if (now - record.timerDueMs > this.#core.settings.probeTimeoutMs) {
      // We were stopped or starved, so nothing that we did not hear counts: look again.
      this.#core.awareness.apply(1);
      this.#forgetWatch(record);
    }
    if (record.watch === undefined) this.#startWatch(record);
    else if (now < record.watch.endMs) this.#ping(record);
    else return this.#conclude(record);
    this.#arm(record);
  }

  /** An ack came; true where it answers one of our pings. */
  ack(sequence: number): boolean {
    const record = this.#pinged.get(sequence);
    if (record === undefined) return false;
    record.ackedMs = this.#core.nowMs();
    return true;
  }

  #conclude(record: MemberRecord): void {
    const heard = record.watch !== undefined && record.ackedMs >= record.watch.startMs;
    this.#forgetWatch(record);
    if (!heard) return this.#options.expired(record);
    record.suspicion?.extend(this.#core.nowMs());
    this.#arm(record);
  }

  #startWatch(record: MemberRecord): void {
    const startMs = this.#core.nowMs();
    const sequence = this.#core.nextSequence();
    record.watch = { startMs, endMs: startMs + this.#watchMs(), sequence };
    this.#pinged.set(sequence, record);
    const chance = STREAM_PINGS_IN_ALL / this.#core.clusterSize;
    if (record.member.degraded === "tcp" || this.#core.options.random.next() < chance) {
      this.#options.pingStream(record, this.#watchMs());
    }
    this.#ping(record);
  }

  #forgetWatch(record: MemberRecord): void {
    if (record.watch !== undefined) this.#pinged.delete(record.watch.sequence);
    record.watch = undefined;
  }

  #ping(record: MemberRecord): void {
    const { name, address, incarnation } = record.member;
    const own = this.#core.self.member;
    const ping: Ping = {
      type: "ping",
      sequence: record.watch!.sequence,
      targetName: name,
      source: { address: own.address, name: own.name },
    };
    this.#core.send(address, {
      messages: [ping, { type: "suspect", name, incarnation, from: own.name }],
      peer: record,
      piggyback: true,
    });
  }

  #arm(record: MemberRecord): void {
    const now = this.#core.nowMs();
    const { watch, suspicion } = record;
    record.timerDueMs = watch === undefined
      ? Math.max(now, suspicion!.deadlineMs() - this.#watchMs())
      : Math.min(watch.endMs, now + this.#watchMs() / this.#pings());
    record.timerToken = ++this.#tokens;
    this.#core.options.effects.setTimer(record.timerDueMs - now, {
      type: "suspicion",
      name: record.member.name,
      incarnation: record.member.incarnation,
      token: record.timerToken,
    });
  }

  #watchMs(): number {
    return this.#core.settings.probeIntervalMs;
  }

  #pings(): number {
    return Math.min(Math.max(Math.ceil(PINGS_IN_ALL / this.#core.clusterSize), 1), PINGS_MAX);
  }
}
