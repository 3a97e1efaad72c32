/**
 * Reachability by transport: detects members that only one of UDP and TCP reaches, marks them as
 * degraded, and removes the mark when both work again (hashicorp/memberlist issue 264).
 * @module
 */
import type { LocalNode } from "./local_node.ts";
import type { MemberRecord } from "./members.ts";
import type { Member } from "./types.ts";

/** Options of `Reachability`. */
export interface ReachabilityOptions {
  readonly node: LocalNode;
  /** Pings a member over TCP. */
  readonly checkStream: (record: MemberRecord) => void;
  /** Probes a member before its turn. */
  readonly probeSoon: (record: MemberRecord) => void;
}

/** Consecutive failures of one transport, while the other works, that make a member degraded. */
const FAILURES_TO_DEGRADE = 3;

/** Consecutive failures of each transport. */
interface Failures {
  packetFailures: number;
  streamFailures: number;
}

/** Counts failures by transport for the members that have any. */
export class Reachability {
  readonly #node: LocalNode;
  readonly #options: ReachabilityOptions;
  readonly #failures = new Map<MemberRecord, Failures>();
  #probes = 0;

  /** Begins without failures. */
  constructor(options: ReachabilityOptions) {
    this.#node = options.node;
    this.#options = options;
  }

  /**
   * Pings a member that is being probed over TCP as well: every `tcpCheckEvery` probes, and always if
   * TCP failed the last time.
   */
  probed(record: MemberRecord): void {
    const { tcpCheckEvery, tcpPings } = this.#node.settings;
    if (!tcpPings || tcpCheckEvery === 0) return;
    this.#probes++;
    const failed = (this.#failures.get(record)?.streamFailures ?? 0) > 0;
    if (failed || this.#probes % tcpCheckEvery === 0) this.#options.checkStream(record);
  }

  /** Notes that a member answered over UDP, directly. */
  packetWorked(record: MemberRecord): void {
    const failures = this.#failures.get(record);
    if (failures === undefined) return;
    failures.packetFailures = 0;
    this.#update(record, failures);
  }

  /** Notes that a member answered a probe over TCP and not over UDP. */
  onlyStreamWorked(record: MemberRecord): void {
    const failures = this.#failuresOf(record);
    failures.packetFailures++;
    failures.streamFailures = 0;
    this.#update(record, failures);
    if (failures.packetFailures < FAILURES_TO_DEGRADE) this.#options.probeSoon(record);
  }

  /** Notes that a member answered over TCP. */
  streamWorked(record: MemberRecord): void {
    const failures = this.#failures.get(record);
    if (failures === undefined) return;
    failures.streamFailures = 0;
    this.#update(record, failures);
  }

  /** Notes that TCP to a member failed. */
  streamFailed(record: MemberRecord): void {
    const failures = this.#failuresOf(record);
    failures.streamFailures++;
    this.#update(record, failures);
    if (failures.streamFailures < FAILURES_TO_DEGRADE) this.#options.probeSoon(record);
  }

  /** Removes the failures of a member, which has failed or left. */
  remove(record: MemberRecord): void {
    this.#failures.delete(record);
  }

  #failuresOf(record: MemberRecord): Failures {
    let failures = this.#failures.get(record);
    if (failures === undefined) {
      failures = { packetFailures: 0, streamFailures: 0 };
      this.#failures.set(record, failures);
    }
    return failures;
  }

  #update(record: MemberRecord, failures: Failures): void {
    const { packetFailures, streamFailures } = failures;
    if (packetFailures === 0 && streamFailures === 0) this.#failures.delete(record);
    const degraded = this.#onlyTransport(record, failures);
    if (degraded === record.member.degraded) return;
    const { degraded: _, ...member } = record.member;
    const after: Member = degraded === undefined ? member : { ...member, degraded };
    this.#node.table.update(record, after);
    this.#node.emit({ type: "member_degraded", member: after });
  }

  #onlyTransport(
    record: MemberRecord,
    { packetFailures, streamFailures }: Failures,
  ): Member["degraded"] {
    // If both transports fail, the member is not degraded: a probe will suspect it.
    const heard = this.#node.nowMs() - record.ackedMs < this.#node.settings.streamTimeoutMs;
    if (streamFailures >= FAILURES_TO_DEGRADE && packetFailures === 0 && heard) return "udp";
    if (packetFailures >= FAILURES_TO_DEGRADE && streamFailures === 0) return "tcp";
    // A degraded member stays degraded until the failed transport works.
    if (record.member.degraded === "udp" && streamFailures > 0) return "udp";
    if (record.member.degraded === "tcp" && packetFailures > 0) return "tcp";
    return undefined;
  }
}
