/**
 * Gossip messages: what dissemination sends from node to node. How they travel is the business of
 * `lib/link/`.
 * @module
 */
import type { NodeReference } from "../address.ts";
import type { BatchCopy } from "../batch/batch.ts";
import type { BatchId } from "../batch/id.ts";

/** How far a node is with a batch, for the batch's origin. */
export interface NodeReport {
  readonly batchId: BatchId;
  /** The name of the node that reports. */
  readonly node: string;
  /** `done` replaces `running`. */
  readonly state: "running" | "done";
  /** Whether everything passed on the node; false while it runs. Roll-outs count by it. */
  readonly passed: boolean;
  /** The report, encoded (`lib/batch/report.ts`); empty while the node runs. */
  readonly report: Uint8Array;
}

/** Whole batches: pushed in the burst, or sent because a `want` asked for them. */
export interface BatchMessage {
  readonly type: "batch";
  readonly from: NodeReference;
  /** Whether a `want` asked for them. The receiver pushes on what was pushed, and announces the ids of the rest. */
  readonly asked: boolean;
  /** At least one. */
  readonly copies: readonly BatchCopy[];
}
/** Anti-entropy: the ids of the batches that the sender holds whole. */
export interface DigestMessage {
  readonly type: "digest";
  readonly from: NodeReference;
  /** Whether the receiver is to answer with its own digest if it holds more. */
  readonly wantsReply: boolean;
  /** Newest first. */
  readonly ids: readonly BatchId[];
  /** Those of them that were cancelled. */
  readonly cancelled: readonly BatchId[];
}
/** Anti-entropy: asks for batches. */
export interface WantMessage {
  readonly type: "want";
  readonly from: NodeReference;
  /** At least one. */
  readonly ids: readonly BatchId[];
}
/** A node's report to the origin, which answers with `confirm`. */
export interface ReportMessage {
  readonly type: "report";
  /** The node that reports. */
  readonly from: NodeReference;
  readonly report: NodeReport;
}
/** The origin has a report, and it is durable. */
export interface ConfirmMessage {
  readonly type: "confirm";
  /** The origin. */
  readonly from: NodeReference;
  readonly batchId: BatchId;
  /** The name of the node that reported. */
  readonly node: string;
  /** Which of its reports. */
  readonly state: "running" | "done";
}
/** The origin lets a node start a held batch; the node answers with a report. */
export interface StartMessage {
  readonly type: "start";
  /** The origin. */
  readonly from: NodeReference;
  readonly batchId: BatchId;
}
/** Asks a member to pass `message` to the member `to`, which the sender cannot reach. Relayed once. */
export interface RelayMessage {
  readonly type: "relay";
  readonly from: NodeReference;
  readonly to: NodeReference;
  /** An encoded `report`, `confirm` or `start`. */
  readonly message: Uint8Array;
}
/** A message that a relay has passed on. */
export interface RelayedMessage {
  readonly type: "relayed";
  /** The relay; an answer goes back through it too. */
  readonly from: NodeReference;
  /** An encoded `report`, `confirm` or `start`. */
  readonly message: Uint8Array;
}
/** Cancels a batch: what has not started does not start, running actions are ended. Flooded like a batch. */
export interface CancelMessage {
  readonly type: "cancel";
  readonly from: NodeReference;
  readonly batchId: BatchId;
}

/** A message between nodes. */
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
