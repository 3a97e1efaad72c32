/**
 * How far a batch is at its origin: each member's progress, and the stages of a roll-out.
 * @module
 */
import type { NodeState } from "../wire/messages.ts";
import type { Amount } from "./amount.ts";

/** The states of a member that SWIM knows: `dead` is called failed to users. */
export const MEMBER_STATES: readonly NodeState[] = ["alive", "suspect", "dead", "left"];

/**
 * Why a member does not run a batch (any more). `rollout_stopped`: too many members of the stages
 * before its own failed. `cancelled`: the batch was cancelled before its stage. `expired`: the batch
 * expired before the member answered, or before its stage. `not_targeted`: its tags changed, and the
 * target no longer names it.
 */
export const SKIP_REASONS = ["rollout_stopped", "cancelled", "expired", "not_targeted"] as const;

/** One of `SKIP_REASONS`. */
export type SkipReason = typeof SKIP_REASONS[number];

/**
 * The origin's view of one member's part of a batch. `pending`: nothing came from it yet. `running`:
 * it has said that it runs the batch. `done`: its report is in. `unreached`: SWIM holds it failed, or
 * it left, before it answered. `skipped`: it does not run the batch. A report that comes late
 * replaces `unreached` and `skipped` with `done`.
 */
export type MemberProgress =
  | { readonly state: "pending" | "running" }
  | DoneProgress
  | { readonly state: "unreached"; readonly memberState: NodeState }
  | { readonly state: "skipped"; readonly reason: SkipReason };

/** The member's report is in. */
export interface DoneProgress {
  readonly state: "done";
  /** Whether everything passed there. */
  readonly passed: boolean;
  /** The report, encoded (`report.ts`). */
  readonly report: Uint8Array;
}

/** The stages that an operator asks for. */
export interface RolloutOptions {
  /** Members in a stage. */
  readonly size: Amount;
  /** The roll-out stops if more members than this failed or were unreached. */
  readonly maxFailures: number;
}

/** The stages of a batch, once its members are known. */
export interface Rollout {
  /** Members in a stage, in the order of the collection's members. */
  readonly stageSize: number;
  /** The roll-out stops if more members than this failed or were unreached. */
  readonly maxFailures: number;
}

/** How far a staged roll-out is, for people. */
export interface RolloutStanding {
  /** The stage that runs now or was the last to run; the first is 1. */
  readonly stage: number;
  /** How many stages there are. */
  readonly stages: number;
  /** Members of the stages so far that failed or were unreached. */
  readonly failures: number;
  /** The roll-out stops if there are more failures than this. */
  readonly maxFailures: number;
  /** Whether it stopped, so that later stages did not start. */
  readonly stopped: boolean;
}
