/**
 * The interface between the membership machine and the code that drives it: members, exchanges,
 * effects, timers and events.
 * @module
 */
import type { Address } from "../runtime.ts";
import type { DropReason } from "../errors.ts";
import type { NodeState, Versions } from "../wire/messages.ts";

/** One member as this node sees it. */
export interface Member {
  readonly name: string;
  /** Address of its UDP and TCP port. */
  readonly address: Address;
  /** Its metadata, at most 512 bytes; see `meta.ts`. */
  readonly meta: Uint8Array;
  readonly state: NodeState;
  /** Number that only the member itself raises, to refute messages about it (SWIM section 4.2). */
  readonly incarnation: number;
  readonly versions: Versions;
  /** Time of the last change of `state`, on the machine's clock. */
  readonly stateSinceMs: number;
  /** The only transport that reaches the member; absent if both do. */
  readonly degraded?: "udp" | "tcp";
}

/** What a TCP request and its reply are for. */
export type ExchangePurpose = "join" | "push_pull" | "ping" | "reconnect";

/** Identifies one request over TCP until its reply or failure. */
export interface Exchange {
  /** Unique in this machine. */
  readonly id: number;
  readonly purpose: ExchangePurpose;
  readonly to: Address;
}

/** The node that opened a stream to this one. */
export interface StreamSender extends Address {
  /** Whether its request was compressed. Default false. */
  readonly compresses?: boolean;
}

/** The effects of the machine, which the host implements. */
export interface SwimEffects {
  /** Sends one packet as it is. Order and delivery are not guaranteed. */
  sendPacket(to: Address, packet: Uint8Array): void;
  /**
   * Opens a TCP connection to `exchange.to`, writes `request` as it is, and reads one message. Must
   * call exactly one of `receiveReply` and `exchangeFailed` with the same exchange within
   * `timeoutMs`, and not before this call returns.
   */
  openExchange(exchange: Exchange, request: Uint8Array, timeoutMs: number): void;
  /** Calls `fire` once with `timer` after `delayMs`, and not before this call returns. */
  setTimer(delayMs: number, timer: SwimTimer): void;
  /** Hands an event to the application. The machine's state is consistent during the call. */
  emit(event: SwimEvent): void;
}

/**
 * A timer as plain data. Each carries a number (generation, sequence or token) by which the machine
 * detects and ignores a stale one.
 */
export type SwimTimer =
  | { readonly type: "probe"; readonly generation: number }
  | { readonly type: "probe_timeout"; readonly sequence: number; readonly attempt: number }
  | { readonly type: "probe_deadline"; readonly sequence: number }
  | { readonly type: "indirect_ping_deadline"; readonly sequence: number }
  | { readonly type: "gossip"; readonly generation: number }
  | { readonly type: "push_pull"; readonly generation: number }
  | { readonly type: "reconnect"; readonly generation: number }
  | { readonly type: "rejoin"; readonly generation: number }
  | { readonly type: "reap"; readonly generation: number }
  | { readonly type: "leave"; readonly generation: number }
  | {
    readonly type: "suspicion";
    readonly name: string;
    readonly incarnation: number;
    readonly token: number;
  };

/** Events of the membership machine. */
export type SwimEvent =
  | { readonly type: "member_joined"; readonly member: Member }
  | { readonly type: "member_updated"; readonly member: Member }
  | { readonly type: "member_suspected"; readonly member: Member; readonly by: string }
  | { readonly type: "member_trusted"; readonly member: Member }
  | { readonly type: "member_failed"; readonly member: Member; readonly by: string }
  | { readonly type: "member_left"; readonly member: Member }
  | { readonly type: "member_forgotten"; readonly name: string }
  | { readonly type: "member_degraded"; readonly member: Member }
  | { readonly type: "join_succeeded"; readonly address: Address; readonly members: number }
  | { readonly type: "join_failed"; readonly address: Address; readonly reason: string }
  | {
    readonly type: "name_conflict";
    readonly name: string;
    readonly held: Address;
    readonly claimed: Address;
  }
  | {
    readonly type: "refuted";
    readonly incarnation: number;
    readonly accusedAs: "suspect" | "dead" | "alive";
  }
  | { readonly type: "left" }
  | { readonly type: "user_message"; readonly from: Address; readonly payload: Uint8Array }
  | {
    readonly type: "dropped";
    readonly reason: DropReason;
    readonly from: Address;
    readonly detail: string;
  };
