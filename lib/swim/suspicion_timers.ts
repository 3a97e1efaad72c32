/**
 * Suspicion timers, and the final check of a suspect before it is declared failed.
 *
 * memberlist declares a suspect failed when its timeout ends. Here this node uses the last probe
 * interval of the timeout to ping the suspect directly, with the suspect message in the same packet
 * (the buddy system of Lifeguard section IV-C); one ack restarts the timeout. That keeps live members
 * in the cluster under heavy packet loss, and dead ones are declared failed as soon as in memberlist.
 * @module
 */
import type { LocalNode } from "./local_node.ts";
import { suspicionTimeoutMs, wantedConfirmations } from "./config.ts";
import type { MemberRecord } from "./members.ts";
import { Suspicion } from "./suspicion.ts";
import type { SwimTimer } from "./types.ts";

/** Options of `SuspicionTimers`. */
export interface SuspicionTimersOptions {
  readonly node: LocalNode;
  /** Called when a suspicion has timed out and the suspect has not answered the final check. */
  readonly expired: (record: MemberRecord) => void;
  /** Pings the suspect over TCP. */
  readonly pingStream: (record: MemberRecord, timeoutMs: number) => void;
}

/** Pings that all members together send to one suspect in its final check. */
const PINGS_IN_ALL = 120;
/** Maximum number of pings from one member. */
const PINGS_MAX = 6;
/** Expected number of members that also ping the suspect over TCP. */
const STREAM_PINGS_IN_ALL = 6;

/** Starts, confirms and ends the suspicions of one machine. */
export class SuspicionTimers {
  readonly #node: LocalNode;
  readonly #options: SuspicionTimersOptions;
  /** The members in their final check by sequence number of its pings. */
  readonly #pinged = new Map<number, MemberRecord>();
  #tokens = 0;

  /** Begins without suspicions. */
  constructor(options: SuspicionTimersOptions) {
    this.#node = options.node;
    this.#options = options;
  }

  /** Starts a suspicion by node `from` of a member whose state is `suspect` already. */
  begin(record: MemberRecord, from: string): void {
    const { suspicionMult, suspicionMaxTimeoutMult, probeIntervalMs } = this.#node.settings;
    const members = this.#node.clusterSize;
    const minMs = suspicionTimeoutMs({ mult: suspicionMult, members, intervalMs: probeIntervalMs });
    record.suspicion = new Suspicion({
      from,
      startMs: this.#node.nowMs(),
      wanted: wantedConfirmations(suspicionMult, members),
      minMs,
      maxMs: minMs * suspicionMaxTimeoutMult,
    });
    this.#arm(record);
  }

  /** Confirms a suspicion. Returns false if the confirmation does not count. */
  confirm(record: MemberRecord, from: string): boolean {
    if (record.suspicion?.confirm(from) !== true) return false;
    if (record.finalCheck === undefined) this.#arm(record);
    return true;
  }

  /** Ends the suspicion of a member, if there is one, and makes its timer stale. */
  end(record: MemberRecord): void {
    if (record.finalCheck !== undefined) this.#pinged.delete(record.finalCheck.sequence);
    record.suspicion = undefined;
    record.finalCheck = undefined;
    record.timerToken = ++this.#tokens;
  }

  /** Continues a suspicion when its timer fires: final check, its next ping, or its end. */
  fire(timer: SwimTimer & { readonly type: "suspicion" }): void {
    const record = this.#node.table.get(timer.name);
    if (record?.suspicion === undefined || record.timerToken !== timer.token) return;
    const now = this.#node.nowMs();
    if (now - record.timerDueMs > this.#node.settings.probeTimeoutMs) {
      // This process was stopped or starved: missing acks say nothing, so check again.
      this.#node.awareness.apply(1);
      this.#clearFinalCheck(record);
    }
    if (record.finalCheck === undefined) this.#startFinalCheck(record);
    else if (now < record.finalCheck.endMs) this.#ping(record);
    else return this.#conclude(record);
    this.#arm(record);
  }

  /** Handles an ack. Returns false if `sequence` is not that of a final check. */
  ack(sequence: number): boolean {
    const record = this.#pinged.get(sequence);
    if (record === undefined) return false;
    record.ackedMs = this.#node.nowMs();
    return true;
  }

  #conclude(record: MemberRecord): void {
    const acked = record.finalCheck !== undefined && record.ackedMs >= record.finalCheck.startMs;
    this.#clearFinalCheck(record);
    if (!acked) return this.#options.expired(record);
    record.suspicion?.extend(this.#node.nowMs());
    this.#arm(record);
  }

  #startFinalCheck(record: MemberRecord): void {
    const startMs = this.#node.nowMs();
    const sequence = this.#node.nextSequence();
    record.finalCheck = { startMs, endMs: startMs + this.#finalCheckMs(), sequence };
    this.#pinged.set(sequence, record);
    const chance = STREAM_PINGS_IN_ALL / this.#node.clusterSize;
    if (record.member.degraded === "tcp" || this.#node.options.random.next() < chance) {
      this.#options.pingStream(record, this.#finalCheckMs());
    }
    this.#ping(record);
  }

  #clearFinalCheck(record: MemberRecord): void {
    if (record.finalCheck !== undefined) this.#pinged.delete(record.finalCheck.sequence);
    record.finalCheck = undefined;
  }

  #ping(record: MemberRecord): void {
    const { name, address } = record.member;
    const ping = this.#node.ping(record.finalCheck!.sequence, name);
    this.#node.send(address, {
      messages: [ping, this.#node.suspect(record)],
      peer: record,
      piggyback: true,
    });
  }

  #arm(record: MemberRecord): void {
    const now = this.#node.nowMs();
    const { finalCheck, suspicion } = record;
    record.timerDueMs = finalCheck === undefined
      ? Math.max(now, suspicion!.deadlineMs() - this.#finalCheckMs())
      : Math.min(finalCheck.endMs, now + this.#finalCheckMs() / this.#pings());
    record.timerToken = ++this.#tokens;
    this.#node.options.effects.setTimer(record.timerDueMs - now, {
      type: "suspicion",
      name: record.member.name,
      incarnation: record.member.incarnation,
      token: record.timerToken,
    });
  }

  #finalCheckMs(): number {
    return this.#node.settings.probeIntervalMs;
  }

  #pings(): number {
    return Math.min(Math.max(Math.ceil(PINGS_IN_ALL / this.#node.clusterSize), 1), PINGS_MAX);
  }
}
