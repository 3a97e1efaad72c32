/**
 * The probe cycle of the failure detector: a direct ping, then indirect pings and a ping over TCP,
 * then suspicion (SWIM section 3.1; Lifeguard section IV-A; memberlist's `probeNode`).
 * @module
 */
import { BoundedMap } from "../bounded_map.ts";
import type { Address } from "../runtime.ts";
import { sameAddress } from "../address.ts";
import type { IndirectPing } from "../wire/messages.ts";
import type { LocalNode } from "./local_node.ts";
import { isActive, type MemberRecord } from "./members.ts";
import type { Reachability } from "./reachability.ts";
import type { SwimTimer } from "./types.ts";

/** Options of `Prober`. */
export interface ProberOptions {
  readonly node: LocalNode;
  readonly reachability: Reachability;
  /** Called if a probe failed: the member answered neither directly nor indirectly nor over TCP. */
  readonly failed: (record: MemberRecord) => void;
  /** Pings a member over TCP; an ack comes back through `streamAck` with the same `sequence`. */
  readonly pingStream: (record: MemberRecord, ping: StreamPing) => void;
}

/** A ping over TCP that belongs to a probe. */
export interface StreamPing {
  /** Sequence number of the probe. */
  readonly sequence: number;
  readonly timeoutMs: number;
}

/** The current probe. */
interface Probe {
  readonly record: MemberRecord;
  readonly sequence: number;
  readonly deadlineMs: number;
  /** Number of indirect pings that asked for a nack. */
  nacksWanted: number;
  nacks: number;
  streamAcked: boolean;
}

/** Maximum number of members that wait for a probe out of turn; further ones are ignored. */
const URGENT_MAX = 256;
/** Number of recent probes, the current one included, whose late acks still count. */
const RECENT_MAX = 16;

/** Probes one member after another. */
export class Prober {
  readonly #node: LocalNode;
  readonly #options: ProberOptions;
  #probe: Probe | undefined;
  /** Whether a tick came during a probe: the next probe starts when this one ends. */
  #tickPending = false;
  #ticks = 0;
  /** Time at which the next tick is due. */
  #tickDueMs = Infinity;
  readonly #urgent = new Set<MemberRecord>();
  /** The members of recent probes by sequence number. */
  readonly #recent = new BoundedMap<number, MemberRecord>({ max: RECENT_MAX });

  /** Begins without a probe. */
  constructor(options: ProberOptions) {
    this.#node = options.node;
    this.#options = options;
  }

  /** Probes a member before its turn; every other probe is for such members. */
  probeSoon(record: MemberRecord): void {
    if (this.#urgent.size < URGENT_MAX) this.#urgent.add(record);
  }

  /** Starts the next probe, or does so when the current one ends: one probe interval has passed. */
  tick(): void {
    const { probeIntervalMs } = this.#node.settings;
    const lateMs = this.#node.nowMs() - this.#tickDueMs;
    this.#tickDueMs = this.#node.nowMs() + probeIntervalMs;
    if (lateMs > probeIntervalMs) {
      // This process was stopped or starved: missing acks say nothing about the member.
      this.#node.awareness.apply(1);
      this.#abandon();
    }
    if (this.#probe !== undefined) {
      this.#tickPending = true;
      return;
    }
    this.#start();
  }

  /** Sends indirect pings after the first timeout, and another direct ping after each. */
  timeout(timer: SwimTimer & { readonly type: "probe_timeout" }): void {
    const probe = this.#probe;
    if (probe?.sequence !== timer.sequence) return;
    if (timer.attempt === 1) this.#sendIndirectPings(probe);
    // Under packet loss another ping costs least; its ack is the same.
    this.#ping(probe);
    this.#armTimeout(probe, timer.attempt + 1);
  }

  /** Ends the probe without an ack: suspects the member unless it answered over TCP. */
  deadline(timer: SwimTimer & { readonly type: "probe_deadline" }): void {
    const probe = this.#probe;
    if (probe?.sequence !== timer.sequence) return;
    const { awareness, settings } = this.#node;
    if (this.#node.nowMs() - probe.deadlineMs > settings.probeTimeoutMs) {
      awareness.apply(1);
      return this.#abandon();
    }
    if (probe.streamAcked) {
      awareness.apply(-1);
      this.#options.reachability.onlyStreamWorked(probe.record);
      return this.#end(probe);
    }
    // Missing nacks indicate that this node's own network is unhealthy.
    awareness.apply(probe.nacksWanted > 0 ? probe.nacksWanted - probe.nacks : 1);
    this.#end(probe);
    if (isActive(probe.record.member.state)) this.#options.failed(probe.record);
  }

  /** Handles an ack in a packet. Returns false if `sequence` is not that of a recent probe. */
  ack(sequence: number, from: Address): boolean {
    const record = this.#recent.get(sequence);
    if (record === undefined) return false;
    record.ackedMs = this.#node.nowMs();
    if (sameAddress(from, record.member.address)) this.#options.reachability.packetWorked(record);
    if (this.#probe?.sequence !== sequence) return true;
    this.#node.awareness.apply(-1);
    this.#end(this.#probe);
    return true;
  }

  /** Handles a nack. Returns false if `sequence` is not that of a recent probe. */
  nack(sequence: number): boolean {
    if (this.#probe?.sequence === sequence) {
      this.#probe.nacks = Math.min(this.#probe.nacks + 1, this.#probe.nacksWanted);
      return true;
    }
    return this.#recent.has(sequence);
  }

  /** Handles an ack to a ping over TCP. */
  streamAck(sequence: number): void {
    const record = this.#recent.get(sequence);
    if (record !== undefined) record.ackedMs = this.#node.nowMs();
    if (this.#probe?.sequence === sequence) this.#probe.streamAcked = true;
  }

  #start(): void {
    const record = this.#next();
    if (record === undefined) return;
    const { probeIntervalMs } = this.#node.settings;
    const interval = this.#node.awareness.scale(probeIntervalMs);
    const probe = {
      record,
      sequence: this.#node.nextSequence(),
      deadlineMs: this.#node.nowMs() + interval,
      nacksWanted: 0,
      nacks: 0,
      streamAcked: false,
    };
    this.#probe = probe;
    this.#recent.set(probe.sequence, probe.record);
    this.#node.options.effects.setTimer(interval, {
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
    return this.#node.table.nextToProbe();
  }

  #ping(probe: Probe): void {
    const { member } = probe.record;
    const ping = this.#node.ping(probe.sequence, member.name);
    // Buddy system (Lifeguard section IV-C): the ping tells the member that it is suspect.
    const messages = member.state === "alive" ? [ping] : [ping, this.#node.suspect(probe.record)];
    this.#node.send(member.address, { messages, peer: probe.record, piggyback: true });
  }

  #sendIndirectPings(probe: Probe): void {
    const { settings, table, self } = this.#node;
    const { member } = probe.record;
    const helpers = table.selectActive({
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
      this.#node.send(helper.member.address, {
        messages: [request],
        peer: helper,
        piggyback: true,
      });
    }
    if (!settings.tcpPings || member.versions[1] < 3) return;
    // On a busy host this timer may fire after the deadline.
    const timeoutMs = Math.max(0, probe.deadlineMs - this.#node.nowMs());
    this.#options.pingStream(probe.record, { sequence: probe.sequence, timeoutMs });
  }

  #armTimeout(probe: Probe, attempt: number): void {
    const { probeTimeoutMs } = this.#node.settings;
    const delayMs = attempt === 1 ? probeTimeoutMs : probeTimeoutMs / 2;
    if (this.#node.nowMs() + delayMs >= probe.deadlineMs) return;
    this.#node.options.effects.setTimer(delayMs, {
      type: "probe_timeout",
      sequence: probe.sequence,
      attempt,
    });
  }

  #abandon(): void {
    this.#probe = undefined;
    this.#tickPending = false;
  }

  #end(probe: Probe): void {
    if (this.#probe !== probe) return;
    this.#probe = undefined;
    if (!this.#tickPending) return;
    this.#tickPending = false;
    this.#start();
  }
}
