/**
 * What dissemination carries between nodes, takes, gives and knows. A batch's checks and a node's
 * outcomes are opaque bytes here: `lib/checks/` reads them and `lib/daemon/` joins the two.
 * @module
 */
import type { Address } from "../runtime.ts";
import type { DropReason } from "../errors.ts";
import type { NodeState } from "../wire/messages.ts";

/** A batch's id: 26 characters of a ULID, so ids sort by time of issue. */
export type BatchId = string;

/** A node by name and where to reach it. */
export interface NodeReference {
  readonly name: string;
  readonly address: Address;
}

/** Which members a batch is for. Absent fields do not restrict. All given ones are ANDed. */
export interface Target {
  /** Tag conditions, ANDed; `=` and `!=`. */
  readonly tags?: readonly {
    readonly key: string;
    readonly equal: boolean;
    readonly value: string;
  }[];
  /** Node names, `*` and `?` as wildcards; one match suffices. */
  readonly nodes?: readonly string[];
}

/** What an operator sent, as it travels. Immutable from the moment of issue. */
export interface Batch {
  readonly id: BatchId;
  /** Who collects the results. */
  readonly origin: NodeReference;
  /** When it was issued, by the origin's wall clock (Unix milliseconds). */
  readonly issuedAtMs: number;
  /** When it expires; 0 for never. */
  readonly expiresAtMs: number;
  readonly target: Target;
  /** The checks, opaque. */
  readonly body: Uint8Array;
  /** Who signed it and the signature over all the above; empty where unsigned. */
  readonly signature: Uint8Array;
}

/** How far a node is with a batch, as it tells the origin. */
export interface Report {
  readonly batchId: BatchId;
  /** Whose report. */
  readonly node: string;
  readonly state: "running" | "done";
  /** The outcomes, opaque; empty while running. */
  readonly body: Uint8Array;
}

/** Messages between nodes; each travels as one memberlist user message over TCP. */
export type GossipMessage =
  /** Push of one whole batch. */
  | { readonly type: "batch"; readonly from: NodeReference; readonly batch: Batch }
  /** Second phase: what I remember, newest first. */
  | { readonly type: "digest"; readonly from: NodeReference; readonly ids: readonly BatchId[] }
  /** Second phase: send me these. */
  | { readonly type: "want"; readonly from: NodeReference; readonly ids: readonly BatchId[] }
  /** Results on their way home; the origin answers with `confirm`. */
  | { readonly type: "report"; readonly from: NodeReference; readonly report: Report }
  /** The origin has the report. */
  | {
    readonly type: "confirm";
    readonly from: NodeReference;
    readonly batchId: BatchId;
    readonly node: string;
    readonly state: "running" | "done";
  }
  /** Carry `message` (encoded) to the member `to`, for who cannot reach it. Never relayed twice. */
  | {
    readonly type: "relay";
    readonly from: NodeReference;
    readonly to: NodeReference;
    readonly message: Uint8Array;
  }
  /** Stop what has not started and end running actions. */
  | { readonly type: "cancel"; readonly from: NodeReference; readonly batchId: BatchId };

/** One member as dissemination sees it. */
export interface Peer {
  readonly name: string;
  readonly address: Address;
  readonly state: NodeState;
  /** Whether it runs gossipcheck. */
  readonly runsGossipcheck: boolean;
  readonly tags: ReadonlyMap<string, string>;
}

/** The membership, read when it is needed. */
export interface PeerView {
  /** This node. */
  readonly self: Peer;
  /** Every member known but this node, in no order. */
  peers(): Iterable<Peer>;
  /** One member by name, this node included. */
  peer(name: string): Peer | undefined;
}

/** What the machine needs done. */
export interface GossipEffects {
  /**
   * Sends one encoded message over TCP with its own deadline. Owes, later and never from inside
   * this call, exactly one `sent(sendId, ok)`: whether all bytes were handed to the peer's host.
   */
  send(sendId: number, to: NodeReference, message: Uint8Array, deadlineMs: number): void;
  /** Hands `timer` to `fire` once, `delayMs` from now. Never from inside this call. */
  setTimer(delayMs: number, timer: GossipTimer): void;
  /** Tells the application; the state is settled. What must survive a crash is durable when it returns. */
  emit(event: GossipEvent): void;
}

/** Plain data handed back by the clock; stale ones are ignored. The machine's files may add variants. */
export type GossipTimer =
  | { readonly type: "advertise"; readonly generation: number }
  | { readonly type: "report_retry"; readonly batchId: BatchId; readonly attempt: number }
  | { readonly type: "expire"; readonly generation: number };

/** How the origin sees one member's part of a batch. */
export type MemberProgress =
  | { readonly state: "pending" | "running" }
  | { readonly state: "done"; readonly body: Uint8Array }
  /** SWIM holds it failed or it left before it answered; a late report still turns it to `done`. */
  | { readonly state: "unreached"; readonly memberState: NodeState };

/** What happened in dissemination. */
export type GossipEvent =
  /** A new batch is ours to run (or to refuse): journal it, then run it. Comes exactly once an id. */
  | { readonly type: "batch_accepted"; readonly batch: Batch; readonly targeted: boolean }
  /** At the origin: a member's part changed. */
  | {
    readonly type: "progress";
    readonly batchId: BatchId;
    readonly node: string;
    readonly progress: MemberProgress;
  }
  /** At the origin: every targeted member is `done` or `unreached`. May come again after late ones. */
  | { readonly type: "batch_settled"; readonly batchId: BatchId }
  /** The origin confirmed our report; the outbox may let go of it. */
  | { readonly type: "report_confirmed"; readonly batchId: BatchId }
  | { readonly type: "batch_cancelled"; readonly batchId: BatchId }
  | { readonly type: "batch_expired"; readonly batchId: BatchId }
  | {
    readonly type: "dropped";
    readonly reason: DropReason;
    readonly from: string;
    readonly detail: string;
  };
