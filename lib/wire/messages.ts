/**
 * The packet and stream messages of hashicorp memberlist v0.7.0 as discriminated unions, and their
 * type numbers. The field names are this project's; `codec.ts` maps them to memberlist's MessagePack
 * keys (`net.go`, structs `ping` to `userMsgHeader`).
 * @module
 */
import type { Address } from "../runtime.ts";

/** The type byte of each message (`messageType` in memberlist's `net.go`). Append only. */
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
 * Protocol and delegate versions of a node, memberlist's `Vsn`:
 * `[protocolMin, protocolMax, protocolCurrent, delegateMin, delegateMax, delegateCurrent]`.
 */
export type Versions = readonly [number, number, number, number, number, number];

/** The sender of a ping, and the address that its ack goes to. */
export interface Source {
  readonly address: Address;
  /** Empty if the peer does not send it. */
  readonly name: string;
}

/** Ping: asks for an ack with the same sequence number. */
export interface Ping {
  readonly type: "ping";
  /** Sequence number of the probe, 32 bits. */
  readonly sequence: number;
  /** Name of the node that is pinged; a node with another name does not answer. Empty from old peers. */
  readonly targetName: string;
  /** Absent from old peers: the ack then goes to the packet's source address. */
  readonly source?: Source;
}

/** Indirect ping (ping-req of SWIM): asks another node to ping `target`. */
export interface IndirectPing {
  readonly type: "indirectPing";
  /** Sequence number of the probe, 32 bits. */
  readonly sequence: number;
  readonly target: Address;
  readonly targetName: string;
  /** Whether to send a nack if the target does not answer. */
  readonly wantsNack: boolean;
  /** Absent from old peers: the ack then goes to the packet's source address. */
  readonly source?: Source;
}

/** Ack: answers a ping or an indirect ping. */
export interface Ack {
  readonly type: "ack";
  /** Sequence number of the ping that it answers, 32 bits. */
  readonly sequence: number;
  /** Opaque bytes. */
  readonly payload: Uint8Array;
}

/** Nack: answers an indirect ping whose target did not answer in time (Lifeguard section 3.1). */
export interface Nack {
  readonly type: "nack";
  /** Sequence number of the indirect ping that it answers, 32 bits. */
  readonly sequence: number;
}

/** Suspect message: the probe of member `name` by node `from` failed. */
export interface Suspect {
  readonly type: "suspect";
  /** Incarnation of the member that the message is about, 32 bits (SWIM section 4.2). */
  readonly incarnation: number;
  /** The member that the message is about: 1 to 255 bytes of UTF-8. */
  readonly name: string;
  /** The node that suspects the member; may be empty. */
  readonly from: string;
}

/** Alive message: `name` is a member and listens at `address`. */
export interface Alive {
  readonly type: "alive";
  /** Incarnation of the member that the message is about, 32 bits (SWIM section 4.2). */
  readonly incarnation: number;
  /** The member that the message is about: 1 to 255 bytes of UTF-8. */
  readonly name: string;
  readonly address: Address;
  /** The member's metadata, at most 512 bytes. */
  readonly meta: Uint8Array;
  /** All zero if the peer sends fewer than six. */
  readonly versions: Versions;
}

/** Dead message: the member `name` failed, or left if `from` is `name` itself. */
export interface Dead {
  readonly type: "dead";
  /** Incarnation of the member that the message is about, 32 bits (SWIM section 4.2). */
  readonly incarnation: number;
  /** The member that the message is about: 1 to 255 bytes of UTF-8. */
  readonly name: string;
  /** The node that declared the member dead; may be empty. */
  readonly from: string;
}

/** User message: opaque bytes of the application. */
export interface User {
  readonly type: "user";
  /** A view into the packet or stream that held it. */
  readonly payload: Uint8Array;
}

/** Error: the reply on a stream if the other node could not process the request. */
export interface ErrorReply {
  readonly type: "error";
  /** What went wrong, for people. */
  readonly message: string;
}

/** State numbers of memberlist's `NodeStateType` (`state.go`). */
export const NODE_STATE = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;
/** State of a member on the wire and in the member table. */
export type NodeState = keyof typeof NODE_STATE;

/** One member in a push/pull (`pushNodeState`). */
export interface PushPullNode {
  /** 1 to 255 bytes of UTF-8. */
  readonly name: string;
  readonly address: Address;
  /** The member's metadata, at most 512 bytes. */
  readonly meta: Uint8Array;
  /** The member's incarnation, 32 bits (SWIM section 4.2). */
  readonly incarnation: number;
  /** The member's state as the sender sees it. */
  readonly state: NodeState;
  /** All zero if the peer sends fewer than six. */
  readonly versions: Versions;
}

/** Push/pull: the full state of one side, exchanged over a stream. */
export interface PushPull {
  readonly type: "pushPull";
  /** Whether the sender joins; false in a periodic push/pull. */
  readonly join: boolean;
  /** Every member that the sender knows, itself included. */
  readonly nodes: readonly PushPullNode[];
  /** State of the application, opaque. */
  readonly userState: Uint8Array;
}

/** The messages that a packet carries, once compound messages are unpacked. */
export type PacketMessage =
  | Ping
  | IndirectPing
  | Ack
  | Nack
  | Suspect
  | Alive
  | Dead
  | User;
/** The messages that a stream carries; `ping` and `ack` are memberlist's TCP fallback ping. */
export type StreamMessage = PushPull | User | Ping | Ack | ErrorReply;
/** Every message. */
export type WireMessage = PacketMessage | StreamMessage;
