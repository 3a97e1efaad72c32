/**
 * Members that only one of UDP and TCP reaches: noticed, told, and noticed again when it is mended
 * (hashicorp/memberlist issue 264).
 * @module
 */
import type { Core } from "./core.ts";
import type { MemberRecord } from "./members.ts";
import type { Member } from "./types.ts";

/** What the notes are made of. */
export interface ReachabilityOptions {
  /** Shared state. */
  readonly core: Core;
  /** Tries a member over TCP. */
  readonly checkStream: (record: MemberRecord) => void;
  /** Has a member probed soon. */
  readonly hurry: (record: MemberRecord) => void;
}

/** Failures in a row, the other transport working, that make a member degraded. */
const FAILURES_TO_TELL = 3;

/** How often each transport failed in a row, for the members where one did. */
interface Note {
  packetFailures: number;
  streamFailures: number;
}

/** Keeps a note only on members about whom there is something to note. */
export class Reachability {
  readonly #core: Core;
  readonly #options: ReachabilityOptions;
  readonly #notes = new Map<MemberRecord, Note>();
  #probes = 0;

  /** Begins with nothing noted. */
  constructor(options: ReachabilityOptions) {
    this.#core = options.core;
    this.#options = options;
  }

  /** A member is being probed; now and then TCP is tried as well, and each time where it is in doubt. */
  probed(record: MemberRecord): void {
    const { tcpCheckEvery, tcpPings } = this.#core.settings;
    if (!tcpPings || tcpCheckEvery === 0) return;
    this.#probes++;
    const doubtful = (this.#notes.get(record)?.streamFailures ?? 0) > 0;
    if (doubtful || this.#probes % tcpCheckEvery === 0) this.#options.checkStream(record);
  }

  /** It answered over UDP, itself. */
  packetWorked(record: MemberRecord): void {
    const note = this.#notes.get(record);
    if (note === undefined) return;
    note.packetFailures = 0;
    this.#judge(record, note);
  }

  /** It answered over TCP and not over UDP. */
  onlyStreamWorked(record: MemberRecord): void {
    const note = this.#note(record);
    note.packetFailures++;
    note.streamFailures = 0;
    this.#judge(record, note);
    if (note.packetFailures < FAILURES_TO_TELL) this.#options.hurry(record);
  }

  /** It answered over TCP. */
  streamWorked(record: MemberRecord): void {
    const note = this.#notes.get(record);
    if (note === undefined) return;
    note.streamFailures = 0;
    this.#judge(record, note);
  }

  /** TCP to it failed. */
  streamFailed(record: MemberRecord): void {
    const note = this.#note(record);
    note.streamFailures++;
    this.#judge(record, note);
    if (note.streamFailures < FAILURES_TO_TELL) this.#options.hurry(record);
  }

  /** It is gone: what is noted about it no longer holds. */
  forget(record: MemberRecord): void {
    this.#notes.delete(record);
  }

  #note(record: MemberRecord): Note {
    let note = this.#notes.get(record);
    if (note === undefined) {
      note = { packetFailures: 0, streamFailures: 0 };
      this.#notes.set(record, note);
    }
    return note;
  }

  #judge(record: MemberRecord, note: Note): void {
    if (note.packetFailures === 0 && note.streamFailures === 0) this.#notes.delete(record);
    const degraded = this.#verdict(record, note);
    if (degraded === record.member.degraded) return;
    const { degraded: _, ...member } = record.member;
    const after: Member = degraded === undefined ? member : { ...member, degraded };
    this.#core.table.update(record, after);
    this.#core.emit({ type: "member_degraded", member: after });
  }

  #verdict(record: MemberRecord, note: Note): Member["degraded"] {
    // Where both fail it is not degraded but about to be suspected.
    const heard = this.#core.nowMs() - record.ackedMs < this.#core.settings.streamTimeoutMs;
    if (note.streamFailures >= FAILURES_TO_TELL && note.packetFailures === 0 && heard) return "udp";
    if (note.packetFailures >= FAILURES_TO_TELL && note.streamFailures === 0) return "tcp";
    // Once told, it takes a success to take it back.
    if (record.member.degraded === "udp" && note.streamFailures > 0) return "udp";
    if (record.member.degraded === "tcp" && note.packetFailures > 0) return "tcp";
    return undefined;
  }
}
