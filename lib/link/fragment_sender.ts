/**
 * Sends messages as fragments, one a packet: retransmits a fragment until it is acknowledged, and
 * keeps the packets in flight to each member within its window (`congestion.ts`).
 * @module
 */
import { ASSEMBLIES_MAX_BYTES_PER_SENDER } from "../limits.ts";
import type { Clock } from "../runtime.ts";
import { CongestionControl } from "./congestion.ts";
import {
  acknowledges,
  encodeFragment,
  type FragmentAck,
  fragmentBytesFor,
  fragmentCount,
} from "./fragments.ts";
import { type LinkHeader, linkHeaderBytes } from "./header.ts";

/** A message fails if nothing of it is acknowledged within this time. */
const FIRST_ACK_TIMEOUT_MS = 5_000;
/** A message fails if nothing more of it is acknowledged within this time. */
const NEXT_ACK_TIMEOUT_MS = 15_000;
/** A message fails if it is not complete after this time. */
const MESSAGE_TIMEOUT_MS = 300_000;
/** Bytes of messages in progress to one member; half of what a receiver reserves for one sender. */
const ACTIVE_MAX_BYTES: number = ASSEMBLIES_MAX_BYTES_PER_SENDER / 2;
/** A message up to this size does not wait for larger ones to end. */
const SMALL_BYTES = 64 * 1024;

/** Fires when packets to a member may be lost. Stale if `token` is not the latest for it. */
export type RetransmitTimer = {
  readonly type: "retransmit";
  readonly to: string;
  readonly token: number;
};

/** What `FragmentSender` causes. */
export interface FragmentSenderEffects {
  /** Sends a packet. */
  sendPacket(to: string, packet: { readonly header: LinkHeader; readonly body: Uint8Array }): void;
  /** Calls `fire(timer)` once, `delayMs` from now and never from inside this call. */
  setTimer(delayMs: number, timer: RetransmitTimer): void;
  /** Reports whether a message was acknowledged; never from inside `send`. */
  done(id: number, ok: boolean): void;
  /** Whether the receiver may still accept a message with this header. */
  isCurrent(to: string, header: LinkHeader): boolean;
}

/** A message to send as fragments. */
export interface FragmentedMessage {
  /** Passed back to `done`. */
  readonly id: number;
  /** The receiver's name. */
  readonly to: string;
  /** The header of each fragment. */
  readonly header: LinkHeader;
  /** The whole message. */
  readonly message: Uint8Array;
  /** Bytes that a packet has for header and fragment. */
  readonly roomBytes: number;
}

/** A message in progress. */
interface Transfer {
  readonly request: FragmentedMessage;
  readonly fragmentBytes: number;
  readonly count: number;
  /** 1 for each fragment that is acknowledged. */
  readonly acknowledged: Uint8Array;
  /** By index. */
  readonly inFlight: Map<number, { readonly sentMs: number; readonly retransmitted: boolean }>;
  /** Indices to retransmit. */
  readonly lost: number[];
  readonly startedMs: number;
  /** The first index that was never sent. */
  next: number;
  /** When something new was last acknowledged. */
  lastAckMs: number | undefined;
}

/** All messages to one member. */
interface Receiver {
  readonly name: string;
  readonly congestion: CongestionControl;
  /** Messages in progress, by sequence number; the least recently served is first. */
  readonly transfers: Map<number, Transfer>;
  /** Messages not started, oldest first. */
  readonly waiting: FragmentedMessage[];
  /** Packets in flight. */
  inFlight: number;
  /** Bytes of the messages in progress. */
  activeBytes: number;
  /** Of the latest timer; 0 for none. */
  token: number;
}

/** All messages sent as fragments. */
export class FragmentSender {
  readonly #clock: Clock;
  readonly #effects: FragmentSenderEffects;
  readonly #receivers = new Map<string, Receiver>();
  #lastToken = 0;

  /** Nothing is in progress. */
  constructor(options: { readonly clock: Clock; readonly effects: FragmentSenderEffects }) {
    this.#clock = options.clock;
    this.#effects = options.effects;
  }

  /** Sends a message as soon as there is room for it. */
  send(request: FragmentedMessage): void {
    const { to } = request;
    const receiver: Receiver = this.#receivers.get(to) ?? {
      name: to,
      congestion: new CongestionControl(),
      transfers: new Map(),
      waiting: [],
      ...{ inFlight: 0, activeBytes: 0, token: 0 },
    };
    this.#receivers.set(to, receiver);
    receiver.waiting.push(request);
    this.#sendMore(receiver);
    if (receiver.token === 0) this.#setTimer(receiver);
  }

  /** Processes an ack. One of a message that is not in progress changes nothing. */
  acknowledged(header: LinkHeader, ack: FragmentAck): void {
    const receiver = this.#receivers.get(header.from);
    const transfer = receiver?.transfers.get(header.sequence);
    if (receiver === undefined || transfer?.request.header.toSession !== header.fromSession) return;
    const nowMs = this.#clock.nowMs();
    let count = 0;
    let lastSentMs: number | undefined;
    for (const [index, { sentMs, retransmitted }] of transfer.inFlight) {
      if (!acknowledges(ack, index)) continue;
      transfer.inFlight.delete(index);
      transfer.acknowledged[index] = 1;
      count++;
      if (!retransmitted) lastSentMs = Math.max(lastSentMs ?? sentMs, sentMs);
    }
    receiver.inFlight -= count;
    // A fragment that counted as lost may only have been late.
    for (const index of transfer.lost) {
      if (transfer.acknowledged[index] !== 0 || !acknowledges(ack, index)) continue;
      transfer.acknowledged[index] = 1;
      count++;
    }
    if (lastSentMs !== undefined) receiver.congestion.sampleRtt(nowMs - lastSentMs);
    if (count > 0) {
      receiver.congestion.acknowledged(count);
      transfer.lastAckMs = nowMs;
    }
    if (ack.complete) this.#end(receiver, transfer);
    this.#sendMore(receiver);
    if (ack.complete) this.#effects.done(transfer.request.id, true);
  }

  /** Handles a timer: marks lost fragments, and fails messages that time out. */
  fire(timer: RetransmitTimer): void {
    const receiver = this.#receivers.get(timer.to);
    if (receiver === undefined || receiver.token !== timer.token) return;
    const nowMs = this.#clock.nowMs();
    const { timeoutMs } = receiver.congestion;
    let lost = 0;
    const failed: Transfer[] = [];
    for (const transfer of receiver.transfers.values()) {
      if (this.#hasFailed(transfer, nowMs)) failed.push(transfer);
      for (const [index, { sentMs }] of transfer.inFlight) {
        if (nowMs - sentMs < timeoutMs) continue;
        transfer.inFlight.delete(index);
        transfer.lost.push(index);
        lost++;
      }
    }
    receiver.inFlight -= lost;
    receiver.congestion.lost(lost);
    for (const transfer of failed) this.#end(receiver, transfer);
    const ids = failed.map(({ request }) => request.id);
    // If the receiver does not answer, the messages that wait would fail as well.
    if (failed.some(({ lastAckMs }) => lastAckMs === undefined)) {
      ids.push(...receiver.waiting.splice(0).map(({ id }) => id));
    }
    this.#sendMore(receiver);
    this.#setTimer(receiver);
    for (const id of ids) this.#effects.done(id, false);
  }

  #hasFailed(transfer: Transfer, nowMs: number): boolean {
    const { startedMs, lastAckMs, request } = transfer;
    const timedOut = lastAckMs === undefined
      ? nowMs - startedMs >= FIRST_ACK_TIMEOUT_MS
      : nowMs - lastAckMs >= NEXT_ACK_TIMEOUT_MS;
    return timedOut || nowMs - startedMs >= MESSAGE_TIMEOUT_MS ||
      !this.#effects.isCurrent(request.to, request.header);
  }

  #end(receiver: Receiver, transfer: Transfer): void {
    receiver.inFlight -= transfer.inFlight.size;
    receiver.activeBytes -= transfer.request.message.length;
    receiver.transfers.delete(transfer.request.header.sequence);
  }

  /** Starts the messages that there is room for. A small one overtakes a large one that waits. */
  #start(receiver: Receiver): void {
    const nowMs = this.#clock.nowMs();
    for (const request of receiver.waiting.splice(0)) {
      const { header, message, roomBytes } = request;
      const hasRoom = receiver.activeBytes + message.length <= ACTIVE_MAX_BYTES;
      if (receiver.transfers.size > 0 && message.length > SMALL_BYTES && !hasRoom) {
        receiver.waiting.push(request);
        continue;
      }
      const fragmentBytes = fragmentBytesFor(roomBytes - linkHeaderBytes(header.from));
      const count = fragmentCount(message.length, fragmentBytes);
      receiver.activeBytes += message.length;
      receiver.transfers.set(header.sequence, {
        request,
        fragmentBytes,
        count,
        acknowledged: new Uint8Array(count),
        inFlight: new Map(),
        lost: [],
        startedMs: nowMs,
        next: 0,
        lastAckMs: undefined,
      });
    }
    if (receiver.transfers.size === 0) this.#receivers.delete(receiver.name);
  }

  /** Fills the window, with one fragment of each message in turn (round robin). */
  #sendMore(receiver: Receiver): void {
    this.#start(receiver);
    for (const [sequence, transfer] of receiver.transfers) {
      if (receiver.inFlight >= receiver.congestion.window) return;
      const next = nextFragment(transfer);
      if (next === undefined) continue;
      this.#sendFragment(receiver, { transfer, ...next });
      // Moves the transfer to the end of the map, where this loop visits it again.
      receiver.transfers.delete(sequence);
      receiver.transfers.set(sequence, transfer);
    }
  }

  #sendFragment(
    receiver: Receiver,
    fragment: {
      readonly transfer: Transfer;
      readonly index: number;
      readonly retransmitted: boolean;
    },
  ): void {
    const { transfer, index, retransmitted } = fragment;
    const { request: { to, header, message }, fragmentBytes, count } = transfer;
    receiver.inFlight++;
    transfer.inFlight.set(index, { sentMs: this.#clock.nowMs(), retransmitted });
    const start = index * fragmentBytes;
    const isLast = index === count - 1 || receiver.inFlight >= receiver.congestion.window;
    this.#effects.sendPacket(to, {
      header,
      body: encodeFragment({
        totalBytes: message.length,
        fragmentBytes,
        index,
        ackNow: isLast || retransmitted,
        bytes: message.subarray(start, start + fragmentBytes),
      }),
    });
  }

  #setTimer(receiver: Receiver): void {
    if (receiver.transfers.size === 0) return;
    receiver.token = ++this.#lastToken;
    const { congestion, name, token } = receiver;
    this.#effects.setTimer(congestion.timeoutMs / 2, { type: "retransmit", to: name, token });
  }
}

/** The fragment to send next: a lost one, or else the first that was never sent. */
function nextFragment(transfer: Transfer): { index: number; retransmitted: boolean } | undefined {
  for (let index; (index = transfer.lost.shift()) !== undefined;) {
    if (transfer.acknowledged[index] === 0) return { index, retransmitted: true };
  }
  if (transfer.next >= transfer.count) return undefined;
  return { index: transfer.next++, retransmitted: false };
}
