/**
 * Checks, batches of them and their outcomes, as every other room of the project reads them.
 * @module
 */

/** One check of a batch, validated. Which further fields there are is its type's business. */
export interface Check {
  /** Its key in the check file. */
  readonly name: string;
  /** A name in the registry; on the wire it may be one that this node does not know. */
  readonly type: string;
  /** The type's own fields, by name. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  /** Shell command that runs when the check fails. */
  readonly action?: string;
  /** How long the action may run. */
  readonly actionTimeoutMs: number;
}

/** What a check found: `fail` is "no", `error` is "cannot tell", `skipped` is "was not asked". */
export type Outcome =
  | { readonly status: "pass" }
  | { readonly status: "fail"; readonly reason: string }
  | { readonly status: "error"; readonly reason: string }
  | { readonly status: "skipped"; readonly reason: string };

/** How an action ended. */
export type ActionEnd =
  | { readonly type: "exited"; readonly code: number }
  | { readonly type: "signaled"; readonly signal: string }
  | { readonly type: "timed_out" }
  /** It was ended by `gcheck cancel` or by the daemon's stop. */
  | { readonly type: "aborted" }
  /** It was running when the node went down; it is never started again. */
  | { readonly type: "interrupted" }
  /** Policy or permissions did not let it start. */
  | { readonly type: "refused"; readonly reason: string };

/** What became of a failing check's action. */
export interface ActionResult {
  readonly end: ActionEnd;
  /** The first 64 KiB of what it wrote. */
  readonly output: string;
  /** How many bytes of output were cut. */
  readonly droppedBytes: number;
  readonly durationMs: number;
}

/** One check's outcome on one node. */
export interface CheckResult {
  readonly check: string;
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** Present where the check failed and has an action. */
  readonly action?: ActionResult;
}
