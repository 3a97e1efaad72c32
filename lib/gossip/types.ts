/**
 * The interface of the dissemination machine: what it is given, the effects that it asks for, its
 * timers, records and events. The bodies and reports of batches are opaque bytes here.
 * @module
 */
import type { NodeReference } from "../address.ts";
import type { Amount } from "../batch/amount.ts";
import type { Batch, BatchCopy } from "../batch/batch.ts";
import type { BatchId } from "../batch/id.ts";
import type { Order } from "../batch/order.ts";
import type { MemberProgress, Rollout, RolloutOptions } from "../batch/progress.ts";
import type { Target } from "../batch/target.ts";
import type { DropReason } from "../errors.ts";
import type { NodeState } from "../wire/messages.ts";

/** One member as dissemination sees it. */
export interface Peer extends NodeReference {
  readonly state: NodeState;
  /** Whether it takes batches; other members of a memberlist cluster do not. */
  readonly runsGossipcheck: boolean;
  readonly tags: ReadonlyMap<string, string>;
  /** Its current session, which link messages are addressed to; absent if it publishes none. */
  readonly session?: string;
  /** Present if only this transport reaches it. */
  readonly degraded?: "udp" | "tcp";
}

/** The membership, read when it is needed. */
export interface PeerView {
  /** This node. */
  readonly self: Peer;
  /** Every known member but this node, in no order. */
  peers(): Iterable<Peer>;
  /** One member by name, this node included. */
  peer(name: string): Peer | undefined;
}

/** One message to send. */
export interface SendRequest {
  /** Handed back by `sent`; unique for this machine. */
  readonly id: number;
  readonly to: NodeReference;
  /** The encoded message. Shared by all sends of a fan-out, so not to be changed. */
  readonly message: Uint8Array;
  /** The send counts as failed after this. */
  readonly timeoutMs: number;
}

/** A batch that an operator sends through this node. */
export interface Submission {
  readonly order: Order;
  /** Size of a random sample of the target; absent for all of it. */
  readonly limit?: Amount;
  /** The stages; absent if all members start at once. */
  readonly rollout?: RolloutOptions;
}

/** How far the local runner is with a batch; the report is encoded, at most `REPORT_BODY_MAX_BYTES` long. */
export type LocalReport =
  | { readonly state: "running" }
  | { readonly state: "done"; readonly passed: boolean; readonly report: Uint8Array };

/** The effects that the machine asks for. None of them throws. */
export interface GossipEffects {
  /**
   * Sends one message. Owes, later and never from inside this call, exactly one
   * `sent(request.id, ok)`: whether the peer has acknowledged it. The machine bounds how many sends
   * are under way.
   */
  send(request: SendRequest): void;
  /** Hands `timer` to `fire` once, `delayMs` from now. Never from inside this call. */
  setTimer(delayMs: number, timer: GossipTimer): void;
  /**
   * Writes a record to the journal. If `token` is given, owes, later and never from inside this
   * call, exactly one `persisted(token, failure)`: why the record is not durable, or `undefined` if it
   * is. Answers come in the order of the calls.
   */
  persist(record: DurableRecord, token: number | undefined): void;
  /** Passes an event to the application, which may call back: the machine's state is settled. */
  emit(event: GossipEvent): void;
}

/**
 * What must survive a crash. `accepted`: a batch, its id and, at its origin, its collection; `ageMs`
 * is the time since its issue, `targeted` whether it runs here at once, `cancelled` whether it was
 * cancelled before it came. `released`: a held batch runs here. `progress`: a member's part changed,
 * at the origin. `cancelled`, `expired`: the batch was, or did. `results_forgotten`: the origin
 * evicted the batch's results. `report_settled`: this node's report was confirmed or given up.
 */
export type DurableRecord =
  | {
    readonly type: "accepted";
    readonly batch: Batch;
    readonly ageMs: number;
    readonly targeted: boolean;
    readonly cancelled: boolean;
    readonly collection?: Collection;
  }
  | { readonly type: "released"; readonly batch: Batch }
  | {
    readonly type: "progress";
    readonly batchId: BatchId;
    readonly node: string;
    readonly progress: MemberProgress;
  }
  | {
    readonly type: "cancelled" | "expired" | "results_forgotten" | "report_settled";
    readonly batchId: BatchId;
  };

/**
 * A timer as plain data. `advertise`: a round of anti-entropy. `expire`: looks for what has expired.
 * `report_retry`: a report was not confirmed. `start_retry`: members did not answer `start`. A
 * `generation` or `token` that is not the latest makes it stale: it then changes nothing.
 */
export type GossipTimer =
  | { readonly type: "advertise" | "expire"; readonly generation: number }
  | {
    readonly type: "report_retry" | "start_retry";
    readonly batchId: BatchId;
    readonly token: number;
  };

/** At the origin: the members whose reports a batch waits for. */
export interface Collection {
  /** In the order of their stages, if there are any. */
  readonly members: readonly string[];
  /** Absent if all start at once. */
  readonly rollout?: Rollout;
}

/**
 * A new batch is remembered, and the journal has answered. Comes exactly once for an id. If it is
 * targeted it is to run here and be reported; if it was cancelled, reported as not run.
 */
export interface BatchAccepted {
  readonly type: "batch_accepted";
  readonly batch: Batch;
  /** Whether it runs here now. */
  readonly targeted: boolean;
  /** Whether it was cancelled before it came. */
  readonly cancelled: boolean;
  /** Why it is not durable, so that none of its actions may run. Never present at the origin. */
  readonly failure?: string;
}
/** A batch of this node's own could not be made durable: it was not issued. */
export interface BatchNotStored {
  readonly type: "batch_not_stored";
  readonly batchId: BatchId;
  readonly reason: string;
}
/** A held batch runs here now. Comes at most once for an id, after its acceptance. */
export interface BatchReleased {
  readonly type: "batch_released";
  readonly batch: Batch;
  /** Whether it was cancelled before: it is then reported as not run. */
  readonly cancelled: boolean;
  /** Why it is not durable that it runs, so that none of its actions may run. */
  readonly failure?: string;
}
/**
 * `batch_cancelled`: what has not started must not start, running actions are to be ended; comes at
 * most once for an id. `batch_expired`: its content is forgotten, its id and its results are not.
 * `batch_settled`: at the origin, no member is `pending` or `running`; comes again after late
 * reports. `results_forgotten`: at the origin, its results were evicted. `report_confirmed`: the
 * origin has this node's report. `report_abandoned`: this node gave its report up, because it is
 * too old or too many newer ones wait.
 */
export interface BatchEnded {
  readonly type:
    | "batch_cancelled"
    | "batch_expired"
    | "batch_settled"
    | "results_forgotten"
    | "report_confirmed"
    | "report_abandoned";
  readonly batchId: BatchId;
}
/**
 * A batch was refused: `admit` gave a reason, or its origin sends too many. It is neither run nor
 * forwarded nor remembered; if it comes again it is judged again.
 */
export interface BatchRefused {
  readonly type: "batch_refused";
  readonly batchId: BatchId;
  /** The origin that it claims. */
  readonly origin: string;
  /** The member that sent it. */
  readonly from: string;
  readonly reason: string;
}
/** At the origin: a member's part changed, or it joined in. */
export interface ProgressChanged {
  readonly type: "progress";
  readonly batchId: BatchId;
  readonly node: string;
  readonly progress: MemberProgress;
}
/**
 * At the origin: too many members of the stages so far failed or were unreached; the others are
 * `skipped`. Comes again if the origin restarts between the two.
 */
export interface RolloutStopped {
  readonly type: "rollout_stopped";
  readonly batchId: BatchId;
  readonly failures: number;
}
/** Something received or to be sent was dropped; `reason` names its counter. */
export interface GossipDropped {
  readonly type: "dropped";
  readonly reason: DropReason;
  /** The sender, or the receiver of what was to be sent; empty if it could not be read. */
  readonly from: string;
  readonly detail: string;
}

/** What happened in dissemination. */
export type GossipEvent =
  | BatchAccepted
  | BatchNotStored
  | BatchReleased
  | BatchEnded
  | BatchRefused
  | ProgressChanged
  | RolloutStopped
  | GossipDropped;

/** A batch that the journal remembers. */
export interface RestoredBatch extends BatchCopy {
  readonly cancelled: boolean;
  /** Whether it ran here or, if held, was released: no event says so again. */
  readonly released: boolean;
}

/** What an origin had collected of one batch. */
export interface RestoredCollection {
  readonly batchId: BatchId;
  /** Members that join are compared with it. */
  readonly target: Target;
  readonly held: boolean;
  /** Every member's progress, in the order of the collection's members. */
  readonly members: ReadonlyMap<string, MemberProgress>;
  /** Absent if all started at once. */
  readonly rollout?: Rollout;
}

/** A report that the origin has not confirmed. */
export interface RestoredReport {
  readonly batchId: BatchId;
  readonly origin: NodeReference;
  /** Whether everything passed here. */
  readonly passed: boolean;
  /** The report, encoded. */
  readonly report: Uint8Array;
}

/** What the journal gives back after a restart, oldest first. */
export interface RestoredState {
  /** The ids of all batches ever accepted, as many as history holds. */
  readonly seen: Iterable<BatchId>;
  /** The batches that are whole and have not expired. */
  readonly batches: Iterable<RestoredBatch>;
  /** What this node collected as an origin. */
  readonly collections: Iterable<RestoredCollection>;
  /** The reports that no origin has confirmed. */
  readonly reports: Iterable<RestoredReport>;
}
