/**
 * What dissemination carries between nodes: batches, reports, and the messages that they travel in.
 * @module
 */
import type { Address } from "../runtime.ts";

/** A batch's id: 26 characters of a ULID, so ids sort by time of issue. */
export type BatchId = string;

/** A node by name and where to reach it. */
export interface NodeReference {
  /** Its unique name. */
  readonly name: string;
  /** Where it listens. */
  readonly address: Address;
}

/** One condition on a member's tags; a tag that is not there equals nothing. */
export interface TagCondition {
  /** The tag's name. */
  readonly key: string;
  /** Whether the value must be this one, or anything else. */
  readonly equal: boolean;
  /** What it is compared with, as text. */
  readonly value: string;
}

/** Which members a batch is for. Absent fields do not restrict. All given ones are ANDed. */
export interface Target {
  /** Tag conditions, ANDed. */
  readonly tags?: readonly TagCondition[];
  /** Node names, `*` and `?` as wildcards; one match suffices. */
  readonly nodes?: readonly string[];
}

/** So many members, or so many of a hundred. */
export type Amount =
  | {
    /** Says which. */
    readonly type: "count";
    /** At least 1. */
    readonly count: number;
  }
  | {
    /** Says which. */
    readonly type: "percent";
    /** Above 0, at most 100; rounded up to whole members. */
    readonly percent: number;
  };

/** What an operator sent, as it travels. Immutable from the moment of issue. */
export interface Batch {
  /** Unique, made at issue. */
  readonly id: BatchId;
  /** Who collects the results. */
  readonly origin: NodeReference;
  /** When it was issued, by the issuer's wall clock (Unix milliseconds). */
  readonly issuedAtMs: number;
  /**
   * When it expires; 0 for never. Nodes go by how long it lives (`expiresAtMs - issuedAtMs`) and
   * by the age that travels with each copy, so that a clock that is off neither ends nor extends it.
   */
  readonly expiresAtMs: number;
  /** Whom it is for. */
  readonly target: Target;
  /** Whether a node of the target waits for the origin's `start`: samples and staged roll-outs. */
  readonly held: boolean;
  /** The checks, opaque. */
  readonly body: Uint8Array;
  /** Who signed it and the signature over `signedBytes` (`codec.ts`), opaque; empty where unsigned. */
  readonly signature: Uint8Array;
}

/** A batch on its way. */
export interface BatchCopy {
  /** The batch. */
  readonly batch: Batch;
  /** Milliseconds since its issue, as the sender knows them. */
  readonly ageMs: number;
}

/** How far a node is with a batch, as it tells the origin. */
export interface Report {
  /** Which batch. */
  readonly batchId: BatchId;
  /** Whose report. */
  readonly node: string;
  /** `done` supersedes `running`. */
  readonly state: "running" | "done";
  /** Whether everything passed there; false while running. Stages of a roll-out count by it. */
  readonly passed: boolean;
  /** The outcomes, opaque; empty while running. */
  readonly body: Uint8Array;
}

/** Whole batches: pushed, or asked for by `want`. */
export interface BatchMessage {
  /** Says which. */
  readonly type: "batch";
  /** Who sends. */
  readonly from: NodeReference;
  /** Whether they were asked for; a pushed one is pushed on, one asked for is only told of. */
  readonly asked: boolean;
  /** At least one. */
  readonly copies: readonly BatchCopy[];
}
/** Second phase: what I remember whole. */
export interface DigestMessage {
  /** Says which. */
  readonly type: "digest";
  /** Who sends. */
  readonly from: NodeReference;
  /** Whether a digest is wanted back where the receiver has what is not in `ids`. */
  readonly wantsReply: boolean;
  /** Newest first. */
  readonly ids: readonly BatchId[];
  /** Those that were cancelled. */
  readonly cancelled: readonly BatchId[];
}
/** Second phase: send me these. */
export interface WantMessage {
  /** Says which. */
  readonly type: "want";
  /** Who sends. */
  readonly from: NodeReference;
  /** At least one. */
  readonly ids: readonly BatchId[];
}
/** Results on their way home; the origin answers with `confirm`. */
export interface ReportMessage {
  /** Says which. */
  readonly type: "report";
  /** Who sends; the same node as the report's. */
  readonly from: NodeReference;
  /** The report. */
  readonly report: Report;
}
/** The origin has the report and will not forget it. */
export interface ConfirmMessage {
  /** Says which. */
  readonly type: "confirm";
  /** Who sends: the origin. */
  readonly from: NodeReference;
  /** Which batch. */
  readonly batchId: BatchId;
  /** Whose report. */
  readonly node: string;
  /** Which of its reports. */
  readonly state: "running" | "done";
}
/** The origin lets a node start a batch that is held; any report of that node answers it. */
export interface StartMessage {
  /** Says which. */
  readonly type: "start";
  /** Who sends: the origin. */
  readonly from: NodeReference;
  /** Which batch. */
  readonly batchId: BatchId;
}
/** Carry `message` to the member `to`, whom the sender cannot reach. Never relayed twice. */
export interface RelayMessage {
  /** Says which. */
  readonly type: "relay";
  /** Who sends. */
  readonly from: NodeReference;
  /** For whom. */
  readonly to: NodeReference;
  /** An encoded `report`, `confirm` or `start`. */
  readonly message: Uint8Array;
}
/** What a relay carried. */
export interface RelayedMessage {
  /** Says which. */
  readonly type: "relayed";
  /** The relay; what answers the message goes back through it too. */
  readonly from: NodeReference;
  /** An encoded `report`, `confirm` or `start`. */
  readonly message: Uint8Array;
}
/** Stop what has not started and end running actions; floods like a batch. */
export interface CancelMessage {
  /** Says which. */
  readonly type: "cancel";
  /** Who sends. */
  readonly from: NodeReference;
  /** Which batch. */
  readonly batchId: BatchId;
}

/** Messages between nodes; how they travel is for `link/` to see to. */
export type GossipMessage =
  | BatchMessage
  | DigestMessage
  | WantMessage
  | ReportMessage
  | ConfirmMessage
  | StartMessage
  | RelayMessage
  | RelayedMessage
  | CancelMessage;
