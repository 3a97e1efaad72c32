/**
 * Reassembly of messages from their fragments, limited in number, bytes and time, for each sender
 * and in all. A message reserves its full length when its first fragment arrives, so that those in
 * progress can be completed; memory is allocated only for the fragments received.
 * @module
 */
import { concat } from "@std/bytes";
import type { DropReason } from "../errors.ts";
import {
  ASSEMBLIES_MAX,
  ASSEMBLIES_MAX_BYTES,
  ASSEMBLIES_MAX_BYTES_PER_SENDER,
  ASSEMBLIES_MAX_PER_SENDER,
} from "../limits.ts";
import type { Clock } from "../runtime.ts";
import { encodeFragmentAck, type Fragment, fragmentCount } from "./fragments.ts";
import { type LinkHeader, senderOf } from "./header.ts";

/** Fragments after which an ack is sent at once. */
const ACK_EVERY = 8;
/** Longest delay of an ack of fewer fragments. */
const ACK_DELAY_MS = 20;
/** A message is dropped if no fragment arrives for this time; longer than its sender tries. */
const IDLE_TIMEOUT_MS = 30_000;
/** Interval of the search for such messages. */
const SWEEP_INTERVAL_MS = 5_000;

/** `ack`: an ack is due. `sweep`: idle messages are to be dropped. */
export type ReassemblyTimer =
  | { readonly type: "ack"; readonly assembly: number }
  | { readonly type: "sweep" };

/** What `Reassembly` causes. */
export interface ReassemblyEffects {
  /** Sends an ack to the sender of `header`. */
  acknowledge(header: LinkHeader, body: Uint8Array): void;
  /** Calls `fire(timer)` once, `delayMs` from now and never from inside this call. */
  setTimer(delayMs: number, timer: ReassemblyTimer): void;
  /** Counts input that was dropped. */
  drop(reason: DropReason, input: { readonly from: string; readonly detail: string }): void;
  /** Takes a complete message, which is not acknowledged yet. */
  complete(header: LinkHeader, message: Uint8Array): void;
}

/** A message in progress. */
interface Assembly {
  readonly id: number;
  readonly header: LinkHeader;
  readonly totalBytes: number;
  readonly fragmentBytes: number;
  readonly count: number;
  /** By index. */
  readonly fragments: Map<number, Uint8Array>;
  /** When the last fragment arrived. */
  lastMs: number;
  /** Fragments received since the last ack. */
  unacknowledged: number;
  /** Whether an `ack` timer is set. */
  timerSet: boolean;
}

/** What the messages of one session of one sender have reserved. */
interface Reserved {
  messages: number;
  bytes: number;
}

/** All messages being reassembled. */
export class Reassembly {
  readonly #clock: Clock;
  readonly #effects: ReassemblyEffects;
  readonly #assemblies = new Map<string, Assembly>();
  readonly #byId = new Map<number, Assembly>();
  readonly #bySender = new Map<string, Reserved>();
  #bytes = 0;
  #lastId = 0;
  #sweeping = false;

  /** Nothing is in progress. */
  constructor(options: { readonly clock: Clock; readonly effects: ReassemblyEffects }) {
    this.#clock = options.clock;
    this.#effects = options.effects;
  }

  /** Number of messages in progress, and the bytes reserved for them. */
  get held(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#assemblies.size, bytes: this.#bytes };
  }

  /** Adds a fragment whose header `Sessions.check` found acceptable. */
  receive(header: LinkHeader, fragment: Fragment): void {
    const assembly = this.#assemblies.get(keyOf(header)) ?? this.#start(header, fragment);
    if (assembly === undefined) return;
    const { totalBytes, fragmentBytes } = assembly;
    if (totalBytes !== fragment.totalBytes || fragmentBytes !== fragment.fragmentBytes) {
      const detail = `fragment of a message of ${fragment.totalBytes} bytes in fragments of ` +
        `${fragment.fragmentBytes}; the first one said ${totalBytes} in ${fragmentBytes}`;
      return this.#effects.drop("malformed", { from: header.from, detail });
    }
    assembly.lastMs = this.#clock.nowMs();
    const isDuplicate = assembly.fragments.has(fragment.index);
    // A copy: the fragment is a view of the whole packet.
    if (!isDuplicate) assembly.fragments.set(fragment.index, fragment.bytes.slice());
    if (assembly.fragments.size === assembly.count) return this.#complete(assembly);
    assembly.unacknowledged++;
    // The sender retransmits a fragment if the ack of it was lost.
    if (isDuplicate || fragment.ackNow || assembly.unacknowledged >= ACK_EVERY) {
      this.#acknowledge(assembly);
    } else if (!assembly.timerSet) {
      assembly.timerSet = true;
      this.#effects.setTimer(ACK_DELAY_MS, { type: "ack", assembly: assembly.id });
    }
  }

  /** Handles a timer. */
  fire(timer: ReassemblyTimer): void {
    if (timer.type === "sweep") return this.#sweep();
    const assembly = this.#byId.get(timer.assembly);
    if (assembly === undefined) return;
    assembly.timerSet = false;
    if (assembly.unacknowledged > 0) this.#acknowledge(assembly);
  }

  /** Reserves room for a message; drops its fragment if there is none. */
  #start(header: LinkHeader, fragment: Fragment): Assembly | undefined {
    const { totalBytes, fragmentBytes } = fragment;
    const reserved = this.#bySender.get(senderOf(header)) ?? { messages: 0, bytes: 0 };
    const messages = this.#assemblies.size;
    if (
      reserved.messages >= ASSEMBLIES_MAX_PER_SENDER || messages >= ASSEMBLIES_MAX ||
      reserved.bytes + totalBytes > ASSEMBLIES_MAX_BYTES_PER_SENDER ||
      this.#bytes + totalBytes > ASSEMBLIES_MAX_BYTES
    ) {
      const detail = `no room to reassemble a message of ${totalBytes} bytes: ` +
        `${reserved.messages} in progress from its sender (${reserved.bytes} bytes), ` +
        `${messages} in all (${this.#bytes} bytes)`;
      this.#effects.drop("too_many", { from: header.from, detail });
      return undefined;
    }
    const assembly: Assembly = {
      id: ++this.#lastId,
      header,
      totalBytes,
      fragmentBytes,
      count: fragmentCount(totalBytes, fragmentBytes),
      fragments: new Map(),
      lastMs: this.#clock.nowMs(),
      unacknowledged: 0,
      timerSet: false,
    };
    this.#assemblies.set(keyOf(header), assembly);
    this.#byId.set(assembly.id, assembly);
    this.#bySender.set(senderOf(header), reserved);
    reserved.messages++;
    reserved.bytes += totalBytes;
    this.#bytes += totalBytes;
    if (!this.#sweeping) this.#setSweepTimer();
    return assembly;
  }

  #complete(assembly: Assembly): void {
    this.#end(assembly);
    const { header, fragments } = assembly;
    const ordered = [...fragments].sort(([one], [other]) => one - other);
    this.#effects.complete(header, concat(ordered.map(([, bytes]) => bytes)));
  }

  #acknowledge(assembly: Assembly): void {
    assembly.unacknowledged = 0;
    const { header, count, fragments } = assembly;
    const ack = encodeFragmentAck({ count, has: (index) => fragments.has(index) });
    this.#effects.acknowledge(header, ack);
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs();
    for (const assembly of this.#assemblies.values()) {
      if (nowMs - assembly.lastMs < IDLE_TIMEOUT_MS) continue;
      this.#end(assembly);
      const { header, fragments, count } = assembly;
      const detail = `only ${fragments.size} of ${count} fragments of a message arrived`;
      this.#effects.drop("timed_out", { from: header.from, detail });
    }
    this.#sweeping = false;
    if (this.#assemblies.size > 0) this.#setSweepTimer();
  }

  #setSweepTimer(): void {
    this.#sweeping = true;
    this.#effects.setTimer(SWEEP_INTERVAL_MS, { type: "sweep" });
  }

  #end(assembly: Assembly): void {
    const sender = senderOf(assembly.header);
    this.#assemblies.delete(keyOf(assembly.header));
    this.#byId.delete(assembly.id);
    this.#bytes -= assembly.totalBytes;
    const reserved = this.#bySender.get(sender);
    if (reserved === undefined) return;
    reserved.bytes -= assembly.totalBytes;
    if (--reserved.messages === 0) this.#bySender.delete(sender);
  }
}

/** Identifies a message among all senders. */
function keyOf(header: LinkHeader): string {
  return `${header.sequence} ${senderOf(header)}`;
}
