/**
 * Input, effects and timers of the link machine.
 * @module
 */
import type { NodeReference } from "../address.ts";
import type { DropReason } from "../errors.ts";
import type { RetransmitTimer } from "./fragment_sender.ts";
import type { Session } from "./header.ts";
import type { ReassemblyTimer } from "./reassembly.ts";

/** What the link machine needs to know of a member. */
export interface LinkPeer {
  /** The member's state in SWIM. */
  readonly state: "alive" | "suspect" | "dead" | "left";
  /** The session that the member publishes in its meta, if any. */
  readonly session?: Session;
  /** Set if only this transport reaches the member. */
  readonly degraded?: "udp" | "tcp";
}

/** The membership, read at each use. */
export interface LinkPeers {
  /** This node. */
  readonly self: { readonly name: string };
  /** A member by name. */
  peer(name: string): LinkPeer | undefined;
}

/** A message to send to a member. */
export interface SendRequest {
  /** Passed back to `sent`; unique for this machine. */
  readonly id: number;
  /** The receiver. */
  readonly to: NodeReference;
  /** Not copied: it must not change until `sent`. */
  readonly message: Uint8Array;
  /** Deadline of the stream. */
  readonly timeoutMs: number;
}

/** A stream to open, and what to write to it. */
export interface StreamSend {
  /** Passed back to `streamEnded`. */
  readonly id: number;
  /** The receiver. */
  readonly to: NodeReference;
  /** Written first. */
  readonly header: Uint8Array;
  /** Written after the header. Not copied: it must not change. */
  readonly message: Uint8Array;
  /** The stream fails if it is not open after this time. */
  readonly connectTimeoutMs: number;
  /** The stream fails if the peer has not closed it after this time, measured from the call. */
  readonly timeoutMs: number;
}

/**
 * How a stream ended. `closed`: the peer closed it after it wrote `answer`, which may be empty.
 * `failed`: it did not open, broke or timed out.
 */
export type StreamEnd =
  | { readonly type: "closed"; readonly answer: Uint8Array }
  | { readonly type: "failed" };

/** A timer, as plain data. A stale one changes nothing. */
export type LinkTimer =
  | RetransmitTimer
  | ReassemblyTimer
  | { readonly type: "send_failed"; readonly id: number };

/** What the link machine causes. The host implements it. */
export interface LinkEffects {
  /**
   * Opens a stream, writes header and message, and reads until the peer closes it. The host must
   * call `streamEnded` exactly once, later and never from inside this call.
   */
  openStream(send: StreamSend): void;
  /** Sends a packet to a member. It may be lost, duplicated or reordered. */
  sendPacket(to: string, payload: Uint8Array): void;
  /** Calls `fire(timer)` once, `delayMs` from now and never from inside this call. */
  setTimer(delayMs: number, timer: LinkTimer): void;
  /**
   * Reports, exactly once for each `send` and never from inside it, whether the receiver
   * acknowledged the message. `false` does not exclude that the message was delivered.
   */
  sent(id: number, ok: boolean): void;
  /** Delivers a received message. */
  deliver(message: Uint8Array, from: string): void;
  /** Reports whether a stream to a member worked. */
  reachable(name: string, ok: boolean): void;
  /** Counts input that was dropped. */
  drop(reason: DropReason, input: { readonly from: string; readonly detail: string }): void;
  /** Publishes this node's new session. */
  sessionChanged(session: Session): void;
}
