/**
 * The packets and stream messages of hashicorp memberlist v0.7.0 as tagged unions, and their wire
 * numbers. Field names are ours; `codec.ts` maps them to memberlist's msgpack keys (`net.go`,
 * structs `ping` to `userMsgHeader`).
 * @module
 */
import type { Address } from "../runtime.ts";

/** Wire numbers of message types (`messageType` in memberlist's `net.go`). Append only. */
export const MESSAGE_TYPE = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compress: 9,
  encrypt: 10,
  nack: 11,
  hasCrc: 12,
  error: 13,
  hasLabel: 244,
} as const;

/**
 * `[protocolMin, protocolMax, protocolCurrent, delegateMin, delegateMax, delegateCurrent]`:
 * memberlist's `Vsn`.
 */
export type Versions = readonly [number, number, number, number, number, number];

/** Asks for an ack with the same sequence number. */
export interface Ping {
  readonly type: "ping";
  readonly sequence: number;
  /** Whom it is meant for; a node with another name does not answer. Empty from old peers. */
  readonly targetName: string;
  /** Where to ack; absent from old peers, who are answered at the packet's source. */
  readonly source?: { readonly address: Address; readonly name: string };
}
/** Asks another node to ping `target` for us. */
export interface IndirectPing {
  readonly type: "indirectPing";
  readonly sequence: number;
  readonly target: Address;
  readonly targetName: string;
  /** Whether a nack is wanted when the target does not answer. */
  readonly wantsNack: boolean;
  readonly source?: { readonly address: Address; readonly name: string };
}
/** Answers a ping. */
export interface Ack {
  readonly type: "ack";
  readonly sequence: number;
  readonly payload: Uint8Array;
}
/** Answers an indirect ping whose target did not answer in time (Lifeguard section 3.1). */
export interface Nack {
  readonly type: "nack";
  readonly sequence: number;
}
/** An accusation: `from` could not reach `name`. */
export interface Suspect {
  readonly type: "suspect";
  readonly incarnation: number;
  readonly name: string;
  readonly from: string;
}
/** `name` is a member at `address`. */
export interface Alive {
  readonly type: "alive";
  readonly incarnation: number;
  readonly name: string;
  readonly address: Address;
  readonly meta: Uint8Array;
  readonly versions: Versions;
}
/** `name` failed, or left where `from` is `name` itself. */
export interface Dead {
  readonly type: "dead";
  readonly incarnation: number;
  readonly name: string;
  readonly from: string;
}
/** Opaque bytes of the application. */
export interface User {
  readonly type: "user";
  readonly payload: Uint8Array;
}
/** A stream's answer that something went wrong at the other end. */
export interface ErrorReply {
  readonly type: "error";
  readonly message: string;
}

/** State numbers of memberlist's `NodeStateType` (`state.go`). */
export const NODE_STATE = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;
/** A member's state as the wire and the table know it. */
export type NodeState = keyof typeof NODE_STATE;

/** One member in a push/pull (`pushNodeState`). */
export interface PushPullNode {
  readonly name: string;
  readonly address: Address;
  readonly meta: Uint8Array;
  readonly incarnation: number;
  readonly state: NodeState;
  readonly versions: Versions;
}
/** One side of a full state exchange over a stream. */
export interface PushPull {
  readonly type: "pushPull";
  /** Whether the sender is joining, rather than syncing in its period. */
  readonly join: boolean;
  readonly nodes: readonly PushPullNode[];
  /** The application's own state, opaque. */
  readonly userState: Uint8Array;
}

/** What one datagram can carry, once compounds are taken apart. */
export type PacketMessage =
  | Ping
  | IndirectPing
  | Ack
  | Nack
  | Suspect
  | Alive
  | Dead
  | User;
/** What one stream can carry: `ping` and `ack` are the TCP fallback probe. */
export type StreamMessage = PushPull | User | Ping | Ack | ErrorReply;
/** Every message. */
export type WireMessage = PacketMessage | StreamMessage;
