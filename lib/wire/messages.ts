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

/** Who asks, and where the answer goes. */
export interface Source {
  /** Where to answer. */
  readonly address: Address;
  /** Its name; empty from some peers. */
  readonly name: string;
}

/** Asks for an ack with the same sequence number. */
export interface Ping {
  /** Tag of the union. */
  readonly type: "ping";
  /** The asker's number for this probe, 32 bits. */
  readonly sequence: number;
  /** Whom it is meant for; a node with another name does not answer. Empty from old peers. */
  readonly targetName: string;
  /** Where to ack; absent from old peers, who are answered at the packet's source. */
  readonly source?: Source;
}
/** Asks another node to ping `target` for us. */
export interface IndirectPing {
  /** Tag of the union. */
  readonly type: "indirectPing";
  /** The asker's number for this probe, 32 bits. */
  readonly sequence: number;
  /** Whom to ping. */
  readonly target: Address;
  /** The name that the node at `target` must have. */
  readonly targetName: string;
  /** Whether a nack is wanted when the target does not answer. */
  readonly wantsNack: boolean;
  /** Where to answer; without it, where the packet came from. */
  readonly source?: Source;
}
/** Answers a ping. */
export interface Ack {
  /** Tag of the union. */
  readonly type: "ack";
  /** The asker's number for this probe, 32 bits. */
  readonly sequence: number;
  /** Opaque bytes. */
  readonly payload: Uint8Array;
}
/** Answers an indirect ping whose target did not answer in time (Lifeguard section 3.1). */
export interface Nack {
  /** Tag of the union. */
  readonly type: "nack";
  /** The asker's number for this probe, 32 bits. */
  readonly sequence: number;
}
/** An accusation: `from` could not reach `name`. */
export interface Suspect {
  /** Tag of the union. */
  readonly type: "suspect";
  /** How often the member has spoken for itself, 32 bits (SWIM section 4.2). */
  readonly incarnation: number;
  /** The member that it is about: 1 to 255 bytes of UTF-8. */
  readonly name: string;
  /** Who says so; may be empty. */
  readonly from: string;
}
/** `name` is a member at `address`. */
export interface Alive {
  /** Tag of the union. */
  readonly type: "alive";
  /** How often the member has spoken for itself, 32 bits (SWIM section 4.2). */
  readonly incarnation: number;
  /** The member that it is about: 1 to 255 bytes of UTF-8. */
  readonly name: string;
  /** Where it listens. */
  readonly address: Address;
  /** What it publishes about itself, at most 512 bytes. */
  readonly meta: Uint8Array;
  /** What it speaks; all zero where the peer did not say. */
  readonly versions: Versions;
}
/** `name` failed, or left where `from` is `name` itself. */
export interface Dead {
  /** Tag of the union. */
  readonly type: "dead";
  /** How often the member has spoken for itself, 32 bits (SWIM section 4.2). */
  readonly incarnation: number;
  /** The member that it is about: 1 to 255 bytes of UTF-8. */
  readonly name: string;
  /** Who says so; may be empty. */
  readonly from: string;
}
/** Opaque bytes of the application. */
export interface User {
  /** Tag of the union. */
  readonly type: "user";
  /** As they came; a view into the packet or stream that held them. */
  readonly payload: Uint8Array;
}
/** A stream's answer that something went wrong at the other end. */
export interface ErrorReply {
  /** Tag of the union. */
  readonly type: "error";
  /** What went wrong, for people. */
  readonly message: string;
}

/** State numbers of memberlist's `NodeStateType` (`state.go`). */
export const NODE_STATE = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;
/** A member's state as the wire and the table know it. */
export type NodeState = keyof typeof NODE_STATE;

/** One member in a push/pull (`pushNodeState`). */
export interface PushPullNode {
  /** The member that it is about: 1 to 255 bytes of UTF-8. */
  readonly name: string;
  /** Where it listens. */
  readonly address: Address;
  /** What it publishes about itself, at most 512 bytes. */
  readonly meta: Uint8Array;
  /** How often the member has spoken for itself, 32 bits (SWIM section 4.2). */
  readonly incarnation: number;
  /** Its state as the sender sees it. */
  readonly state: NodeState;
  /** What it speaks; all zero where the peer did not say. */
  readonly versions: Versions;
}
/** One side of a full state exchange over a stream. */
export interface PushPull {
  /** Tag of the union. */
  readonly type: "pushPull";
  /** Whether the sender is joining, rather than syncing in its period. */
  readonly join: boolean;
  /** Every member that the sender knows, itself included. */
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
