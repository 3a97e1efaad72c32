/**
 * What a batch's results are when the node went down in the middle of it.
 * @module
 */
import type { CheckResult } from "../checks/check.ts";
import { decodeResults } from "../checks/codec.ts";
import { checkNames } from "../daemon/check_names.ts";

/** How far a batch had come. */
export interface InterruptedRun {
  /** Its checks, encoded. */
  readonly checks: Uint8Array;
  /** Names of the checks whose actions had started. */
  readonly started: ReadonlySet<string>;
  /** The results that were there, each encoded as a list of one. */
  readonly ended: readonly Uint8Array[];
}

/**
 * One result a check: those that were there as they are, `interrupted` for actions that ran,
 * `skipped` for what had not come so far. Nothing of it is ever started again.
 */
export function resultsOfInterrupted(
  run: InterruptedRun,
): { readonly passed: boolean; readonly results: readonly CheckResult[] } {
  const ended = new Map(
    run.ended.flatMap((bytes) => decodeResults(bytes)).map((result) => [result.check, result]),
  );
  const results = checkNames(run.checks).map((name) =>
    ended.get(name) ?? interruptedResult(name, run.started)
  );
  return { passed: results.every(({ outcome }) => outcome.status === "pass"), results };
}

function interruptedResult(check: string, started: ReadonlySet<string>): CheckResult {
  if (!started.has(check)) {
    const reason = "the node went down before this check was decided; it is not run again";
    return { check, outcome: { status: "skipped", reason }, durationMs: 0 };
  }
  return {
    check,
    outcome: { status: "fail", reason: "the node went down while the action of this check ran" },
    durationMs: 0,
    action: { end: { type: "interrupted" }, output: "", droppedBytes: 0, durationMs: 0 },
  };
}
