/**
 * The dissemination machine: received messages, timers and local commands in; messages, timers and
 * events out through `GossipEffects`.
 * @module
 */
import type { Clock, Random } from "../runtime.ts";
import type {
  Amount,
  Batch,
  BatchId,
  GossipEffects,
  GossipTimer,
  MemberProgress,
  PeerView,
  RestoredState,
  Target,
} from "./types.ts";
import type { GossipSettings } from "./settings.ts";

/** What the machine is made of. */
export interface DisseminationOptions {
  /** Timings and bounds. */
  readonly settings: GossipSettings;
  /** The membership. */
  readonly peers: PeerView;
  /** The world. */
  readonly effects: GossipEffects;
  /** The time. */
  readonly clock: Clock;
  /** Chance. */
  readonly random: Random;
  /** What survived a restart; absent for a node that starts from nothing. */
  readonly restored?: RestoredState;
  /** Why a batch is not let in: neither run nor forwarded; `undefined` lets it in. Default: all are. */
  readonly admit?: (batch: Batch) => string | undefined;
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
  readonly rollout?: {
    /** Members a stage. */
    readonly size: Amount;
    /** The roll-out stops when more members than this failed or were unreached. */
    readonly maxFailures: number;
  };
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

/** One node's dissemination. */
export class Dissemination {
  /** Takes what it is made of; nothing happens before `start`. */
  constructor(_options: DisseminationOptions) {
  }
  /** Begins the periods and sends what the outbox holds. */
  start(): void {
    throw new Error("being written");
  }
  /** Issues a batch with this node as origin. Raises `UsageError` and `BusyError`; then nothing was sent. */
  submit(_submission: Submission): Batch {
    throw new Error("being written");
  }
  /** Takes one message, as it came in a user message. */
  receive(_payload: Uint8Array): void {
    throw new Error("being written");
  }
  /** Takes how a send went. */
  sent(_sendId: number, _ok: boolean): void {
    throw new Error("being written");
  }
  /** Takes a timer back. */
  fire(_timer: GossipTimer): void {
    throw new Error("being written");
  }
  /** To be called after any change of the member of that name, this node included. */
  memberChanged(_name: string): void {
    throw new Error("being written");
  }
  /** From the local runner: how far this node is. `done` once an id. */
  report(_batchId: BatchId, _report: LocalReport): void {
    throw new Error("being written");
  }
  /** Cancels a batch that is remembered whole; false where it is not, or was cancelled already. */
  cancel(_batchId: BatchId): boolean {
    throw new Error("being written");
  }
  /** The batches that are remembered whole, newest first. */
  batches(): Batch[] {
    throw new Error("being written");
  }
  /** One of them. */
  batch(_batchId: BatchId): Batch | undefined {
    throw new Error("being written");
  }
  /** What was collected as its origin; `undefined` for another's batch. */
  progress(_batchId: BatchId): ReadonlyMap<string, MemberProgress> | undefined {
    throw new Error("being written");
  }
}
