/**
 * What the membership machine takes, gives and knows: the one place to look at to drive it.
 * @module
 */
import type { Address } from "../runtime.ts";
import type { DropReason } from "../errors.ts";
import type { NodeState, Versions } from "../wire/messages.ts";

/** One member as this node sees it. */
export interface Member {
  /** Its unique name. */
  readonly name: string;
  /** Where it listens, UDP and TCP. */
  readonly address: Address;
  /** What it publishes about itself, at most 512 bytes; see `meta.ts` for ours. */
  readonly meta: Uint8Array;
  /** Its state here and now. */
  readonly state: NodeState;
  /** Rises each time the member speaks for itself again (SWIM section 4.2). */
  readonly incarnation: number;
  /** Protocol and delegate versions that it speaks. */
  readonly versions: Versions;
  /** When `state` last changed, on the machine's clock. */
  readonly stateSinceMs: number;
  /** Set where probes show that only one transport reaches it. */
  readonly degraded?: "udp" | "tcp";
}

/** A TCP request and its one reply, as the runtime carries it. */
export type ExchangePurpose = "join" | "push_pull" | "ping" | "reconnect";

/** Names one exchange from its opening to its reply or failure. */
export interface Exchange {
  /** Unique for this machine. */
  readonly id: number;
  /** What it is for. */
  readonly purpose: ExchangePurpose;
  /** Where it goes. */
  readonly to: Address;
}

/** Who opened a stream to us. */
export interface StreamSender extends Address {
  /** Whether it has compressed what it sent. Default false. */
  readonly compresses?: boolean;
}

/** What the machine needs done. Whoever implements it owes exactly what each method says. */
export interface SwimEffects {
  /** Sends one packet, sealed and ready. Fire and forget; order and delivery are not owed. */
  sendPacket(to: Address, packet: Uint8Array): void;
  /**
   * Opens a TCP stream to `exchange.to`, writes `request` (sealed and ready) and reads one message
   * back. Owes, later and never from inside this call, exactly one of `receiveReply` or
   * `exchangeFailed` with the same exchange, within `timeoutMs` of now.
   */
  openExchange(exchange: Exchange, request: Uint8Array, timeoutMs: number): void;
  /** Hands `timer` to `fire` once, `delayMs` from now. Never from inside this call. */
  setTimer(delayMs: number, timer: SwimTimer): void;
  /** Tells the application. The machine's state is settled when this is called. */
  emit(event: SwimEvent): void;
}

/**
 * Plain data handed back by the clock. Each carries what tells whether it is stale; a stale one is
 * ignored. The machine's files may add variants.
 */
export type SwimTimer =
  | { readonly type: "probe"; readonly generation: number }
  | { readonly type: "probe_timeout"; readonly sequence: number; readonly attempt: number }
  | { readonly type: "probe_deadline"; readonly sequence: number }
  | { readonly type: "relay_deadline"; readonly sequence: number }
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

/** What happened in the membership. */
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
  | {
    readonly type: "user_message";
    readonly from: Address;
    readonly payload: Uint8Array;
    readonly via: "packet" | "stream";
  }
  | {
    readonly type: "dropped";
    readonly reason: DropReason;
    readonly from: Address;
    readonly detail: string;
  };
