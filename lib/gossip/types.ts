/**
 * What dissemination takes, gives and knows. A batch's checks and a node's outcomes are opaque bytes
 * here: `lib/checks/` reads them and `lib/daemon/` joins the two.
 * @module
 */
import type { Address } from "../runtime.ts";
import type { DropReason } from "../errors.ts";
import type { NodeState } from "../wire/messages.ts";
import type { Amount, Batch, BatchCopy, BatchId, NodeReference, Target } from "./messages.ts";

export type * from "./messages.ts";

/** One member as dissemination sees it. */
export interface Peer {
  /** Its unique name. */
  readonly name: string;
  /** Where it listens. */
  readonly address: Address;
  /** What SWIM holds of it. */
  readonly state: NodeState;
  /** Whether it runs gossipcheck. */
  readonly runsGossipcheck: boolean;
  /** What it publishes about itself. */
  readonly tags: ReadonlyMap<string, string>;
  /** Its present life, to which messages are addressed; absent where it does not tell. */
  readonly session?: string;
  /** Set where only one transport reaches it. */
  readonly degraded?: "udp" | "tcp";
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

/** One message to send. */
export interface SendRequest {
  /** Handed back by `sent`; unique for this machine. */
  readonly id: number;
  /** Whom to. */
  readonly to: NodeReference;
  /** The encoded message: the payload of a user message. Shared by a fan-out, so not to be changed. */
  readonly message: Uint8Array;
  /** The send counts as failed after this long. */
  readonly timeoutMs: number;
}

/** In which stages an operator wants a batch run. */
export interface RolloutOptions {
  /** Members a stage. */
  readonly size: Amount;
  /** The roll-out stops when more members than this failed or were unreached. */
  readonly maxFailures: number;
}

/** What an operator wants run. */
export interface Submission {
  /** Which members. */
  readonly target: Target;
  /** How long it lives; 0 for ever. */
  readonly expiresInMs: number;
  /** The checks, opaque; at most `BATCH_BODY_MAX_BYTES`. */
  readonly body: Uint8Array;
  /** A random sample of the target of this size. */
  readonly limit?: Amount;
  /** In stages of `size`, until more than `maxFailures` members failed. */
  readonly rollout?: RolloutOptions;
  /** Where the operator signed it: what was fixed by that. */
  readonly signed?: {
    /** Unused so far. */
    readonly id: BatchId;
    /** By the signer's wall clock. */
    readonly issuedAtMs: number;
    /** Opaque; `admit` reads it. */
    readonly signature: Uint8Array;
  };
}

/** What the runner has to tell. */
export type LocalReport =
  | {
    /** It has begun. */
    readonly state: "running";
  }
  | {
    /** It has ended. */
    readonly state: "done";
    /** Whether everything passed. */
    readonly passed: boolean;
    /** The outcomes, opaque; at most `REPORT_BODY_MAX_BYTES`. */
    readonly body: Uint8Array;
  };

/** What the machine needs done. */
export interface GossipEffects {
  /**
   * Sends one message. Owes, later and never from inside this call, exactly one
   * `sent(request.id, ok)`: whether the peer has taken it, `timeoutMs` after the last sign that it
   * will at the latest. The machine bounds how many are under way.
   */
  send(request: SendRequest): void;
  /** Hands `timer` to `fire` once, `delayMs` from now. Never from inside this call. */
  setTimer(delayMs: number, timer: GossipTimer): void;
  /**
   * Tells the application; the state is settled, so it may call back into the machine. What the
   * event says must survive a crash is durable when this returns. Where it throws, nothing that
   * relies on the event goes out (no push, no confirmation), and the error goes to whoever called
   * the machine.
   */
  emit(event: GossipEvent): void;
}

/** Plain data handed back by the clock; stale ones are ignored. */
export type GossipTimer =
  | {
    /** The second phase's period. */
    readonly type: "advertise";
    /** Stale when it is not the machine's. */
    readonly generation: number;
  }
  | {
    /** The period in which what expired is looked for. */
    readonly type: "expire";
    /** Stale when it is not the machine's. */
    readonly generation: number;
  }
  | {
    /** A report was not confirmed. */
    readonly type: "report_retry";
    /** Which batch's. */
    readonly batchId: BatchId;
    /** Stale when it is not the report's latest. */
    readonly token: number;
  }
  | {
    /** Members of a stage have not answered `start`. */
    readonly type: "start_retry";
    /** Which batch. */
    readonly batchId: BatchId;
    /** Stale when it is not the batch's latest. */
    readonly token: number;
  };

/** Why a member has no part in a batch (any more). */
export type SkipReason =
  /** Too many of the stages before its own failed. */
  | "rollout_stopped"
  /** The batch was cancelled before its stage. */
  | "cancelled"
  /** The batch expired before the member was heard of, or before its stage. */
  | "expired"
  /** Its tags changed, and the target no longer names it. */
  | "not_targeted";

/** The member was not heard of yet (`pending`), or has said that it runs. */
export interface OpenProgress {
  /** Which of the two. */
  readonly state: "pending" | "running";
}
/** The member has answered. */
export interface DoneProgress {
  /** Says which. */
  readonly state: "done";
  /** Whether everything passed there. */
  readonly passed: boolean;
  /** The outcomes, opaque. */
  readonly body: Uint8Array;
}
/** SWIM holds it failed or it left before it answered; a late report still turns it to `done`. */
export interface UnreachedProgress {
  /** Says which. */
  readonly state: "unreached";
  /** What SWIM holds of it. */
  readonly memberState: NodeState;
}
/** The member is not to run it; a report that comes all the same still turns it to `done`. */
export interface SkippedProgress {
  /** Says which. */
  readonly state: "skipped";
  /** Why. */
  readonly reason: SkipReason;
}
/** How the origin sees one member's part of a batch. */
export type MemberProgress = OpenProgress | DoneProgress | UnreachedProgress | SkippedProgress;

/** How a batch rolls out in stages. */
export interface Rollout {
  /** Members a stage, in the order of the collection's members. */
  readonly stageSize: number;
  /** The roll-out stops when more than this many members failed or were unreached. */
  readonly maxFailures: number;
}

/** At the origin: whose answers a batch waits for. */
export interface Collection {
  /** The members, in the order of their stages where there are any. */
  readonly members: readonly string[];
  /** Absent where all start at once. */
  readonly rollout?: Rollout;
}

/** A new batch is remembered. Comes exactly once an id. Durable: the id, the batch, the collection. */
export interface BatchAccepted {
  /** Says which. */
  readonly type: "batch_accepted";
  /** The batch. */
  readonly batch: Batch;
  /** Milliseconds since its issue; the journal keeps it with its own wall time. */
  readonly ageMs: number;
  /** Whether it is to run here and now: journal it, then run it, then `report` it. */
  readonly targeted: boolean;
  /** It was cancelled before it came: where targeted, `report` at once that it did not run. */
  readonly cancelled: boolean;
  /** Present at the origin. */
  readonly collection?: Collection;
}
/** A held batch is to run here and now. Comes at most once an id, after its acceptance. Durable. */
export interface BatchReleased {
  /** Says which. */
  readonly type: "batch_released";
  /** The batch. */
  readonly batch: Batch;
  /** It was cancelled before: `report` at once that it did not run. */
  readonly cancelled: boolean;
}
/** Stop what has not started, end running actions, report. Comes at most once an id. Durable. */
export interface BatchCancelled {
  /** Says which. */
  readonly type: "batch_cancelled";
  /** Which batch. */
  readonly batchId: BatchId;
}
/** The batch's bytes are forgotten, its id and what was reported are not. */
export interface BatchExpired {
  /** Says which. */
  readonly type: "batch_expired";
  /** Which batch. */
  readonly batchId: BatchId;
}
/**
 * A batch was not let in: `admit` said so, or its origin sends too many a second. It is neither run
 * nor forwarded nor remembered; where it comes again it is looked at again.
 */
export interface BatchRefused {
  /** Says which. */
  readonly type: "batch_refused";
  /** Which batch. */
  readonly batchId: BatchId;
  /** The origin that it claims. */
  readonly origin: string;
  /** Who sent it. */
  readonly from: string;
  /** Why, for people. */
  readonly reason: string;
}
/** At the origin: a member's part changed, or it joined in. Durable. */
export interface ProgressChanged {
  /** Says which. */
  readonly type: "progress";
  /** Which batch. */
  readonly batchId: BatchId;
  /** Which member. */
  readonly node: string;
  /** What it is now. */
  readonly progress: MemberProgress;
}
/** At the origin: no member is `pending` or `running`. Comes again after late reports. */
export interface BatchSettled {
  /** Says which. */
  readonly type: "batch_settled";
  /** Which batch. */
  readonly batchId: BatchId;
}
/**
 * At the origin: too many of the stages so far failed; the members left are `skipped`. Comes again
 * where the origin restarts between the two.
 */
export interface RolloutStopped {
  /** Says which. */
  readonly type: "rollout_stopped";
  /** Which batch. */
  readonly batchId: BatchId;
  /** How many members failed or were unreached. */
  readonly failures: number;
}
/** At the origin: results are no longer held, since too much newer came. */
export interface ResultsForgotten {
  /** Says which. */
  readonly type: "results_forgotten";
  /** Which batch. */
  readonly batchId: BatchId;
}
/** Our last report is off our hands; the journal may let go of it. */
export interface ReportSettled {
  /** Says which: the origin has it, or we gave up on it (too old, or too many newer). */
  readonly type: "report_confirmed" | "report_abandoned";
  /** Which batch. */
  readonly batchId: BatchId;
}
/** Something was dropped, received or to be sent; its counter goes up. */
export interface GossipDropped {
  /** Says which. */
  readonly type: "dropped";
  /** Which counter. */
  readonly reason: DropReason;
  /** Whose message, or to whom; empty where it could not be read. */
  readonly from: string;
  /** What was wrong with it. */
  readonly detail: string;
}

/** What happened in dissemination. */
export type GossipEvent =
  | BatchAccepted
  | BatchReleased
  | BatchCancelled
  | BatchExpired
  | BatchRefused
  | ProgressChanged
  | BatchSettled
  | RolloutStopped
  | ResultsForgotten
  | ReportSettled
  | GossipDropped;

/** A batch that the journal remembers. */
export interface RestoredBatch extends BatchCopy {
  /** Whether it was cancelled. */
  readonly cancelled: boolean;
  /** Whether it was run here or, held, released: it is never told as released again. */
  readonly released: boolean;
}

/** What an origin had collected of one batch. */
export interface RestoredCollection {
  /** Which batch. */
  readonly batchId: BatchId;
  /** Where the results were to go; whom members that join are matched with. */
  readonly target: Target;
  /** Whether it is held. */
  readonly held: boolean;
  /** Every member's progress, in the order of the collection's members. */
  readonly members: ReadonlyMap<string, MemberProgress>;
  /** Absent where all started at once. */
  readonly rollout?: Rollout;
}

/** A report that the origin has not confirmed. */
export interface RestoredReport {
  /** Which batch. */
  readonly batchId: BatchId;
  /** Whom it goes to. */
  readonly origin: NodeReference;
  /** Whether everything passed here. */
  readonly passed: boolean;
  /** The outcomes, opaque. */
  readonly body: Uint8Array;
}

/** What a journal gives back after a restart. Everything oldest first. */
export interface RestoredState {
  /** Every id ever accepted, up to what history holds. */
  readonly seen: Iterable<BatchId>;
  /** The batches that are whole and not expired. */
  readonly batches: Iterable<RestoredBatch>;
  /** What was collected as an origin. */
  readonly collections: Iterable<RestoredCollection>;
  /** The outbox. */
  readonly reports: Iterable<RestoredReport>;
}
