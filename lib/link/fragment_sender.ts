/**
 * Messages on their way to members in parts, a packet each: sent again until word of them comes,
 * with no more on their way at once than the other end's buffer takes.
 * @module
 */
import { ASSEMBLIES_MAX_BYTES_PER_SENDER } from "../limits.ts";
import type { Clock } from "../runtime.ts";
import {
  type Acknowledgement,
  encodeFragment,
  partBytesFor,
  partCount,
  tellsOf,
} from "./fragments.ts";
import { type LinkHead, linkHeadBytes } from "./header.ts";
import { PathEstimate } from "./congestion.ts";

/** Without any word of a message for this long from its start, its receiver is not there. */
const FIRST_PATIENCE_MS = 5_000;
/** Without further word for this long, it is gone. */
const PATIENCE_MS = 15_000;
/** However slowly it goes on. */
const TOTAL_PATIENCE_MS = 300_000;
/** Messages to one member that were begun and not ended; half of what it makes room for. */
const OPEN_MAX_BYTES: number = ASSEMBLIES_MAX_BYTES_PER_SENDER / 2;
/** What is no larger than this is begun at once all the same. */
const SMALL_BYTES = 64 * 1024;

/** Plain data handed back by the clock; stale ones are ignored. */
export interface PacketsOutTimer {
  /** Packets to a member may be lost. */
  readonly type: "overdue";
  /** Which member. */
  readonly to: string;
  /** Stale when it is not the member's latest. */
  readonly token: number;
}

/** What it needs done. */
export interface PacketsOutEffects {
  /** Sends one packet with a head and what follows it. */
  sendPacket(to: string, packet: { readonly head: LinkHead; readonly body: Uint8Array }): void;
  /** Hands `timer` to `fire` once, `delayMs` from now. Never from inside this call. */
  setTimer(delayMs: number, timer: PacketsOutTimer): void;
  /** How a message went; never from inside `send`. */
  done(id: number, ok: boolean): void;
  /** Whether a message with this head may still arrive. */
  current(to: string, head: LinkHead): boolean;
}

/** One message to send. */
export interface PacketsOutRequest {
  /** Handed back by `done`. */
  readonly id: number;
  /** Whom to. */
  readonly to: string;
  /** What stands before each part. */
  readonly head: LinkHead;
  /** The whole message. */
  readonly message: Uint8Array;
  /** Bytes that a packet has for a head and what follows it. */
  readonly roomBytes: number;
}

/** One message on its way. */
interface Transfer {
  readonly request: PacketsOutRequest;
  readonly partBytes: number;
  readonly count: number;
  readonly acknowledged: Uint8Array;
  readonly underWay: Map<number, { readonly sentMs: number; readonly again: boolean }>;
  readonly lost: number[];
  readonly startedMs: number;
  next: number;
  heard: boolean;
  heardMs: number;
}

/** All that is on its way to one member. */
interface Path {
  readonly name: string;
  readonly estimate: PathEstimate;
  /** Those that were begun, by number; whose turn it was last comes last. */
  readonly transfers: Map<number, Transfer>;
  /** Those that were not. */
  readonly waiting: PacketsOutRequest[];
  underWay: number;
  openBytes: number;
  token: number;
}

/** All messages on their way in parts. */
export class PacketsOut {
  readonly #clock: Clock;
  readonly #effects: PacketsOutEffects;
  readonly #paths = new Map<string, Path>();
  #lastToken = 0;

  /** Nothing is on its way. */
  constructor(options: { readonly clock: Clock; readonly effects: PacketsOutEffects }) {
    this.#clock = options.clock;
    this.#effects = options.effects;
  }

  /** Sends a message, as soon as there is room for it. */
  send(request: PacketsOutRequest): void {
    const { to } = request;
    const path: Path = this.#paths.get(to) ?? {
      name: to,
      estimate: new PathEstimate(),
      transfers: new Map(),
      waiting: [],
      ...{ underWay: 0, openBytes: 0, token: 0 },
    };
    this.#paths.set(to, path);
    path.waiting.push(request);
    this.#pump(path);
    if (path.token === 0) this.#arm(path);
  }

  /** Takes word of a message's parts; the answer to one that is not under way says nothing. */
  acknowledged(head: LinkHead, acknowledgement: Acknowledgement): void {
    const path = this.#paths.get(head.from);
    const transfer = path?.transfers.get(head.number);
    if (path === undefined || transfer?.request.head.to !== head.fromSession) return;
    const nowMs = this.#clock.nowMs();
    let came = 0;
    let youngest: number | undefined;
    for (const [index, { sentMs, again }] of transfer.underWay) {
      if (!tellsOf(acknowledgement, index)) continue;
      transfer.underWay.delete(index);
      transfer.acknowledged[index] = 1;
      came++;
      if (!again) youngest = Math.max(youngest ?? sentMs, sentMs);
    }
    path.underWay -= came;
    // One that was held lost may have come late.
    for (const index of transfer.lost) {
      if (transfer.acknowledged[index] !== 0 || !tellsOf(acknowledgement, index)) continue;
      transfer.acknowledged[index] = 1;
      came++;
    }
    if (youngest !== undefined) path.estimate.measured(nowMs - youngest);
    if (came > 0) {
      path.estimate.acknowledged(came);
      transfer.heard = true;
      transfer.heardMs = nowMs;
    }
    const ended = acknowledgement.complete;
    if (ended) this.#forget(path, transfer);
    this.#pump(path);
    if (ended) this.#effects.done(transfer.request.id, true);
  }

  /** Takes a timer back. */
  fire(timer: PacketsOutTimer): void {
    const path = this.#paths.get(timer.to);
    if (path === undefined || path.token !== timer.token) return;
    const nowMs = this.#clock.nowMs();
    const { timeoutMs } = path.estimate;
    let lost = 0;
    const failed: Transfer[] = [];
    for (const transfer of path.transfers.values()) {
      if (this.#hopeless(transfer, nowMs)) failed.push(transfer);
      for (const [index, { sentMs }] of transfer.underWay) {
        if (nowMs - sentMs < timeoutMs) continue;
        transfer.underWay.delete(index);
        transfer.lost.push(index);
        lost++;
      }
    }
    path.underWay -= lost;
    path.estimate.lost(lost);
    for (const transfer of failed) this.#forget(path, transfer);
    const ended = failed.map(({ request }) => request.id);
    // Where nobody answers those that wait would not fare better.
    if (failed.some(({ heard }) => !heard)) {
      ended.push(...path.waiting.splice(0).map(({ id }) => id));
    }
    this.#pump(path);
    this.#arm(path);
    for (const id of ended) this.#effects.done(id, false);
  }

  #hopeless(transfer: Transfer, nowMs: number): boolean {
    const { startedMs, heard, heardMs, request } = transfer;
    return nowMs - heardMs >= (heard ? PATIENCE_MS : FIRST_PATIENCE_MS) ||
      nowMs - startedMs >= TOTAL_PATIENCE_MS ||
      !this.#effects.current(request.to, request.head);
  }

  #forget(path: Path, transfer: Transfer): void {
    path.underWay -= transfer.underWay.size;
    path.openBytes -= transfer.request.message.length;
    path.transfers.delete(transfer.request.head.number);
  }

  /** Begins what there is room for: small ones overtake a large one that has to wait. */
  #begin(path: Path): void {
    const nowMs = this.#clock.nowMs();
    for (const request of path.waiting.splice(0)) {
      const { head, message, roomBytes } = request;
      const room = path.openBytes + message.length <= OPEN_MAX_BYTES;
      if (path.transfers.size > 0 && message.length > SMALL_BYTES && !room) {
        path.waiting.push(request);
        continue;
      }
      const partBytes = partBytesFor(roomBytes - linkHeadBytes(head.from));
      const count = partCount(message.length, partBytes);
      path.openBytes += message.length;
      path.transfers.set(head.number, {
        request,
        partBytes,
        count,
        acknowledged: new Uint8Array(count),
        underWay: new Map(),
        lost: [],
        startedMs: nowMs,
        next: 0,
        heard: false,
        heardMs: nowMs,
      });
    }
    if (path.transfers.size === 0) this.#paths.delete(path.name);
  }

  /** Sends what the window has room for, a part of each message in turn, so that none waits for a long one. */
  #pump(path: Path): void {
    this.#begin(path);
    for (const [number, transfer] of path.transfers) {
      if (path.underWay >= path.estimate.window) return;
      const part = takeNext(transfer);
      if (part === undefined) continue;
      this.#sendPart(path, { transfer, ...part });
      // Deleted and added again it comes last, and this loop meets it again.
      path.transfers.delete(number);
      path.transfers.set(number, transfer);
    }
  }

  #sendPart(
    path: Path,
    part: { readonly transfer: Transfer; readonly index: number; readonly again: boolean },
  ): void {
    const { transfer, index, again } = part;
    const { request: { to, head, message }, partBytes, count } = transfer;
    path.underWay++;
    transfer.underWay.set(index, { sentMs: this.#clock.nowMs(), again });
    const from = index * partBytes;
    const last = index === count - 1 || path.underWay >= path.estimate.window;
    this.#effects.sendPacket(to, {
      head,
      body: encodeFragment({
        totalBytes: message.length,
        partBytes,
        index,
        urgent: last || again,
        bytes: message.subarray(from, from + partBytes),
      }),
    });
  }

  #arm(path: Path): void {
    if (path.transfers.size === 0) return;
    path.token = ++this.#lastToken;
    const { estimate, name, token } = path;
    this.#effects.setTimer(estimate.timeoutMs / 2, { type: "overdue", to: name, token });
  }
}

/** The part to send next: one that was lost, or the first that was never sent. */
function takeNext(transfer: Transfer): { index: number; again: boolean } | undefined {
  for (let index; (index = transfer.lost.shift()) !== undefined;) {
    if (transfer.acknowledged[index] === 0) return { index, again: true };
  }
  if (transfer.next >= transfer.count) return undefined;
  return { index: transfer.next++, again: false };
}
