/**
 * Builds the report on a batch that was running when the node went down.
 * @module
 */
import { readBody } from "../batch/body.ts";
import type { CheckResult, Outcome } from "../batch/check.ts";
import type { Report } from "../batch/report.ts";

/** The records of a run that was interrupted. */
export interface InterruptedRun {
  /** Encoded body of the batch. */
  readonly body: Uint8Array;
  /** Names of the checks whose actions had started. */
  readonly started: ReadonlySet<string>;
  /** Results of the checks that had ended. */
  readonly ended: readonly CheckResult[];
}

const UNDECIDED: Outcome = {
  status: "skipped",
  reason: "the node went down before this check was decided; it is not run again",
};

/**
 * Builds a report with one result for each check: the recorded one if the check had ended,
 * `interrupted` if its action had started, `skipped` for all others. No check of the batch is run
 * again.
 */
export function reportOfInterrupted({ body, started, ended }: InterruptedRun): Report {
  const read = readBody(body);
  switch (read.type) {
    case "unreadable":
      return { type: "batch", outcome: UNDECIDED };
    case "keys":
      return { type: "keys", outcome: UNDECIDED };
    case "checks": {
      const results = new Map(ended.map((result) => [result.check, result]));
      return {
        type: "checks",
        results: read.checks.map(({ name }) =>
          results.get(name) ?? interruptedResult(name, started)
        ),
      };
    }
    default:
      return read satisfies never;
  }
}

function interruptedResult(check: string, started: ReadonlySet<string>): CheckResult {
  if (!started.has(check)) return { check, outcome: UNDECIDED, durationMs: 0 };
  return {
    check,
    outcome: { status: "fail", reason: "the node went down while the action of this check ran" },
    durationMs: 0,
    action: { end: { type: "interrupted" }, output: "", droppedBytes: 0, durationMs: 0 },
  };
}
