/**
 * One probe after another: a direct ping, then others' and TCP's help, then a verdict (SWIM section
 * 3.1; Lifeguard section IV-A; memberlist's `probeNode`).
 * @module
 */
import type { Address } from "../runtime.ts";
import { sameAddress } from "../address.ts";
import type { IndirectPing, Ping } from "../wire/messages.ts";
import type { Core } from "./core.ts";
import { isActive, type MemberRecord } from "./members.ts";
import type { Reachability } from "./reachability.ts";
import type { SwimTimer } from "./types.ts";

/** What the prober is made of. */
export interface ProberOptions {
  /** Shared state. */
  readonly core: Core;
  /** Where it is noted which transports work. */
  readonly reachability: Reachability;
  /** Nobody got an answer from this member. */
  readonly failed: (record: MemberRecord) => void;
  /** Pings over TCP; `sequence` is handed back to `streamAck`. */
  readonly pingStream: (record: MemberRecord, ping: StreamPing) => void;
}

/** A ping over TCP on behalf of a probe. */
export interface StreamPing {
  /** The probe's. */
  readonly sequence: number;
  /** How long it may take. */
  readonly timeoutMs: number;
}

/** The probe under way. */
interface Probe {
  readonly record: MemberRecord;
  readonly sequence: number;
  readonly deadlineMs: number;
  helpers: number;
  nacksWanted: number;
  nacks: number;
  streamAcked: boolean;
}

/** Members who are to be probed out of turn, at most. */
const URGENT_MAX = 256;
/** Probes whose late acks still count as a sign of life. */
const PAST_MAX = 16;

/** Runs the probe cycle. */
export class Prober {
  readonly #core: Core;
  readonly #options: ProberOptions;
  #probe: Probe | undefined;
  #tickWaits = false;
  #ticks = 0;
  #dueMs = Infinity;
  readonly #urgent = new Set<MemberRecord>();
  readonly #past = new Map<number, MemberRecord>();

  /** Begins idle. */
  constructor(options: ProberOptions) {
    this.#core = options.core;
    this.#options = options;
  }

  /** Has a member probed before its turn; every other probe is for such. */
  hurry(record: MemberRecord): void {
    if (this.#urgent.size < URGENT_MAX) this.#urgent.add(record);
  }

  /** The probe timer is set anew, for `dueMs`. */
  due(dueMs: number): void {
    this.#dueMs = dueMs;
  }

  /** One probe interval has passed. */
  tick(): void {
    const { probeIntervalMs } = this.#core.settings;
    if (this.#core.nowMs() - this.#dueMs > probeIntervalMs) {
      // The process was stopped, or starved: what it did not hear meanwhile is no one's fault but ours.
      this.#core.awareness.apply(1);
      this.#abandon();
    }
    if (this.#probe !== undefined) {
      this.#tickWaits = true;
      return;
    }
    this.#start();
  }

  /** The direct ping, or a further one, has had its time. */
  timeout(timer: SwimTimer & { readonly type: "probe_timeout" }): void {
    const probe = this.#probe;
    if (probe?.sequence !== timer.sequence) return;
    if (timer.attempt === 1) this.#askForHelp(probe);
    // Under loss a further ping is the cheapest second chance; the ack is the same to us.
    this.#ping(probe);
    this.#armTimeout(probe, timer.attempt + 1);
  }

  /** The probe's time is up. */
  deadline(timer: SwimTimer & { readonly type: "probe_deadline" }): void {
    const probe = this.#probe;
    if (probe?.sequence !== timer.sequence) return;
    const { awareness, settings } = this.#core;
    if (this.#core.nowMs() - probe.deadlineMs > settings.probeTimeoutMs) {
      awareness.apply(1);
      return this.#abandon();
    }
    if (probe.streamAcked) {
      awareness.apply(-1);
      this.#options.reachability.onlyStreamWorked(probe.record);
      return this.#end(probe);
    }
    // Helpers whose nacks are missing speak against our own health.
    awareness.apply(probe.nacksWanted > 0 ? probe.nacksWanted - probe.nacks : 1);
    this.#end(probe);
    if (isActive(probe.record.member.state)) this.#options.failed(probe.record);
  }

  /** An ack came in a packet; true where it answers one of our pings. */
  ack(sequence: number, from: Address): boolean {
    const record = this.#past.get(sequence);
    if (record === undefined) return false;
    record.ackedMs = this.#core.nowMs();
    if (sameAddress(from, record.member.address)) this.#options.reachability.packetWorked(record);
    if (this.#probe?.sequence !== sequence) return true;
    this.#core.awareness.apply(-1);
    this.#end(this.#probe);
    return true;
  }

  /** A helper says that it got no answer either; true where we asked for it. */
  nack(sequence: number): boolean {
    if (this.#probe?.sequence === sequence) {
      this.#probe.nacks = Math.min(this.#probe.nacks + 1, this.#probe.nacksWanted);
      return true;
    }
    return this.#past.has(sequence);
  }

  /** The ping over TCP was answered. */
  streamAck(sequence: number): void {
    const record = this.#past.get(sequence);
    if (record !== undefined) record.ackedMs = this.#core.nowMs();
    if (this.#probe?.sequence === sequence) this.#probe.streamAcked = true;
  }

  #start(): void {
    const record = this.#next();
    if (record === undefined) return;
    const { probeIntervalMs } = this.#core.settings;
    const interval = this.#core.awareness.scale(probeIntervalMs);
    const probe = {
      record,
      sequence: this.#core.nextSequence(),
      deadlineMs: this.#core.nowMs() + interval,
      helpers: 0,
      nacksWanted: 0,
      nacks: 0,
      streamAcked: false,
    };
    this.#probe = probe;
    this.#remember(probe);
    this.#core.options.effects.setTimer(interval, {
      type: "probe_deadline",
      sequence: probe.sequence,
    });
    this.#armTimeout(probe, 1);
    this.#ping(probe);
    this.#options.reachability.probed(record);
  }

  #next(): MemberRecord | undefined {
    this.#ticks++;
    if (this.#ticks % 2 === 0) {
      for (const record of this.#urgent) {
        this.#urgent.delete(record);
        if (isActive(record.member.state)) return record;
      }
    }
    return this.#core.table.nextToProbe();
  }

  #ping(probe: Probe): void {
    const { member } = probe.record;
    const ping = this.#message(probe);
    const { name, incarnation } = member;
    const from = this.#core.name;
    // Buddy system (Lifeguard section IV-C): who is suspected hears it first of all in the probe.
    const messages = member.state === "alive"
      ? [ping]
      : [ping, { type: "suspect", name, incarnation, from } as const];
    this.#core.send(member.address, { messages, peer: probe.record, piggyback: true });
  }

  #message({ record, sequence }: Probe): Ping {
    const { name, address } = this.#core.self.member;
    return { type: "ping", sequence, targetName: record.member.name, source: { name, address } };
  }

  #askForHelp(probe: Probe): void {
    const { settings, table, self } = this.#core;
    const { member } = probe.record;
    const helpers = table.drawActive({
      count: settings.indirectChecks,
      accept: (record) =>
        record !== probe.record && record.member.state === "alive" &&
        record.member.degraded !== "tcp",
    });
    for (const helper of helpers) {
      const wantsNack = helper.member.versions[1] >= 4;
      if (wantsNack) probe.nacksWanted++;
      const request: IndirectPing = {
        type: "indirectPing",
        sequence: probe.sequence,
        target: member.address,
        targetName: member.name,
        wantsNack,
        source: { name: self.member.name, address: self.member.address },
      };
      this.#core.send(helper.member.address, {
        messages: [request],
        peer: helper,
        piggyback: true,
      });
    }
    if (!settings.tcpPings || member.versions[1] < 3) return;
    // On a busy machine this timer may come after the deadline.
    const timeoutMs = Math.max(0, probe.deadlineMs - this.#core.nowMs());
    this.#options.pingStream(probe.record, { sequence: probe.sequence, timeoutMs });
  }

  #armTimeout(probe: Probe, attempt: number): void {
    const { probeTimeoutMs } = this.#core.settings;
    const delayMs = attempt === 1 ? probeTimeoutMs : probeTimeoutMs / 2;
    if (this.#core.nowMs() + delayMs >= probe.deadlineMs) return;
    this.#core.options.effects.setTimer(delayMs, {
      type: "probe_timeout",
      sequence: probe.sequence,
      attempt,
    });
  }

  #remember(probe: Probe): void {
    this.#past.set(probe.sequence, probe.record);
    if (this.#past.size <= PAST_MAX) return;
    for (const oldest of this.#past.keys()) {
      this.#past.delete(oldest);
      break;
    }
  }

  #abandon(): void {
    this.#probe = undefined;
    this.#tickWaits = false;
  }

  #end(probe: Probe): void {
    if (this.#probe !== probe) return;
    this.#probe = undefined;
    if (!this.#tickWaits) return;
    this.#tickWaits = false;
    this.#start();
  }
}
