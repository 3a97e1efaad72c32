/**
 * Messages that come in parts, put together again: bounded in number, bytes and time, for each
 * sender and in all. Memory is taken by what has come alone, room by what a message is to be, so
 * that messages that were begun can be ended and do not starve one another.
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
import { encodeAcknowledgement, type Fragment, partCount } from "./fragments.ts";
import type { LinkHead } from "./header.ts";
import { lifeOf } from "./sessions.ts";

/** Parts that may come before word of them goes back. */
const ACKNOWLEDGE_EVERY = 8;
/** How long word of fewer may wait. */
const ACKNOWLEDGE_DELAY_MS = 20;
/** A message of which nothing comes for this long is given up; longer than its sender tries. */
const IDLE_MS = 30_000;
/** How often those are looked for. */
const SWEEP_MS = 5_000;

/** Plain data handed back by the clock; stale ones are ignored. */
export type PacketsInTimer =
  | {
    /** Word of what has come is due. */
    readonly type: "acknowledge";
    /** Which message. */
    readonly assembly: number;
  }
  | {
    /** What came to nothing is looked for. */
    readonly type: "sweep";
  };

/** What it needs done. */
export interface PacketsInEffects {
  /** Sends word of parts to the sender of `head`. */
  acknowledge(head: LinkHead, body: Uint8Array): void;
  /** Hands `timer` to `fire` once, `delayMs` from now. Never from inside this call. */
  setTimer(delayMs: number, timer: PacketsInTimer): void;
  /** Counts input that was dropped. */
  drop(reason: DropReason, input: { readonly from: string; readonly detail: string }): void;
  /** A message is whole. Owes its sender word of that. */
  complete(head: LinkHead, message: Uint8Array): void;
}

/** One message on its way in. */
interface Assembly {
  readonly id: number;
  readonly head: LinkHead;
  readonly totalBytes: number;
  readonly partBytes: number;
  readonly count: number;
  readonly parts: Map<number, Uint8Array>;
  lastMs: number;
  untold: number;
  timed: boolean;
}

/** What one sender's life has under way here. */
interface Share {
  assemblies: number;
  bytes: number;
}

/** All messages on their way in. */
export class PacketsIn {
  readonly #clock: Clock;
  readonly #effects: PacketsInEffects;
  readonly #assemblies = new Map<string, Assembly>();
  readonly #byId = new Map<number, Assembly>();
  readonly #shares = new Map<string, Share>();
  #bytes = 0;
  #lastId = 0;
  #sweeping = false;

  /** Nothing is under way. */
  constructor(options: { readonly clock: Clock; readonly effects: PacketsInEffects }) {
    this.#clock = options.clock;
    this.#effects = options.effects;
  }

  /** Messages under way, and the bytes that they will have. */
  get held(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#assemblies.size, bytes: this.#bytes };
  }

  /** Takes a part of a message that may come: its head was found good. */
  take(head: LinkHead, part: Fragment): void {
    const assembly = this.#assemblies.get(keyOf(head)) ?? this.#open(head, part);
    if (assembly === undefined) return;
    if (assembly.totalBytes !== part.totalBytes || assembly.partBytes !== part.partBytes) {
      const detail = "a part does not fit those of its message that came before";
      return this.#effects.drop("malformed", { from: head.from, detail });
    }
    assembly.lastMs = this.#clock.nowMs();
    const known = assembly.parts.has(part.index);
    if (!known) assembly.parts.set(part.index, part.bytes.slice());
    if (assembly.parts.size === assembly.count) return this.#finish(assembly);
    assembly.untold++;
    // A part that comes again says that our word of it was lost.
    if (known || part.urgent || assembly.untold >= ACKNOWLEDGE_EVERY) this.#tell(assembly);
    else if (!assembly.timed) {
      assembly.timed = true;
      this.#effects.setTimer(ACKNOWLEDGE_DELAY_MS, { type: "acknowledge", assembly: assembly.id });
    }
  }

  /** Takes a timer back. */
  fire(timer: PacketsInTimer): void {
    if (timer.type === "sweep") return this.#sweep();
    const assembly = this.#byId.get(timer.assembly);
    if (assembly === undefined) return;
    assembly.timed = false;
    if (assembly.untold > 0) this.#tell(assembly);
  }

  #open(head: LinkHead, part: Fragment): Assembly | undefined {
    const share = this.#shares.get(lifeOf(head)) ?? { assemblies: 0, bytes: 0 };
    const messages = this.#assemblies.size;
    if (
      share.assemblies >= ASSEMBLIES_MAX_PER_SENDER || messages >= ASSEMBLIES_MAX ||
      share.bytes + part.totalBytes > ASSEMBLIES_MAX_BYTES_PER_SENDER ||
      this.#bytes + part.totalBytes > ASSEMBLIES_MAX_BYTES
    ) {
      const detail = `no room for a message of ${part.totalBytes} bytes in parts beside the ` +
        `${share.assemblies} of its sender (${share.bytes} bytes) and ${messages} in all`;
      this.#effects.drop("too_many", { from: head.from, detail });
      return undefined;
    }
    const { totalBytes, partBytes } = part;
    const assembly: Assembly = {
      id: ++this.#lastId,
      head,
      totalBytes,
      partBytes,
      count: partCount(totalBytes, partBytes),
      parts: new Map(),
      lastMs: this.#clock.nowMs(),
      untold: 0,
      timed: false,
    };
    this.#shares.set(lifeOf(head), share);
    this.#assemblies.set(keyOf(head), assembly);
    this.#byId.set(assembly.id, assembly);
    share.assemblies++;
    share.bytes += totalBytes;
    this.#bytes += totalBytes;
    if (!this.#sweeping) {
      this.#sweeping = true;
      this.#effects.setTimer(SWEEP_MS, { type: "sweep" });
    }
    return assembly;
  }

  #finish(assembly: Assembly): void {
    this.#forget(assembly);
    const { head, count, parts } = assembly;
    const none = new Uint8Array(0);
    const message = concat(Array.from({ length: count }, (_, index) => parts.get(index) ?? none));
    this.#effects.complete(head, message);
  }

  #tell(assembly: Assembly): void {
    assembly.untold = 0;
    const { head, count, parts } = assembly;
    this.#effects.acknowledge(
      head,
      encodeAcknowledgement({ count, has: (index) => parts.has(index) }),
    );
  }

  #sweep(): void {
    const limitMs = this.#clock.nowMs() - IDLE_MS;
    for (const assembly of this.#assemblies.values()) {
      if (assembly.lastMs > limitMs) continue;
      this.#forget(assembly);
      const { head, parts, count } = assembly;
      const detail = `${parts.size} of ${count} parts of a message came, and then no more`;
      this.#effects.drop("timed_out", { from: head.from, detail });
    }
    this.#sweeping = this.#assemblies.size > 0;
    if (this.#sweeping) this.#effects.setTimer(SWEEP_MS, { type: "sweep" });
  }

  #forget(assembly: Assembly): void {
    const life = lifeOf(assembly.head);
    this.#bytes -= assembly.totalBytes;
    this.#assemblies.delete(keyOf(assembly.head));
    this.#byId.delete(assembly.id);
    const share = this.#shares.get(life);
    if (share === undefined) return;
    share.bytes -= assembly.totalBytes;
    if (--share.assemblies === 0) this.#shares.delete(life);
  }
}

/** Names one message. */
function keyOf(head: LinkHead): string {
  return `${head.number} ${lifeOf(head)}`;
}
