/**
 * A report: all results of one node for one batch. The node encodes it once; these bytes are
 * journalled, sent to the origin and handed to clients, which decode them.
 * @module
 */
import {
  ACTION_OUTPUT_MAX_BYTES,
  CHECKS_MAX,
  REASON_MAX_BYTES,
  REPORT_BODY_MAX_BYTES,
  RESULTS_OUTPUT_MAX_BYTES,
} from "../limits.ts";
import {
  type Codec,
  decodeMessage,
  encodeMessage,
  list,
  optional,
  row,
  taggedRow,
} from "../msgpack_codec.ts";
import { truncateUtf8 } from "../utf8.ts";
import {
  type ActionEnd,
  type ActionResult,
  allPassed,
  CHECK_RESULT,
  type CheckResult,
  OUTCOME,
  type Outcome,
} from "./check.ts";
import { FINGERPRINT, type KeyListing, KEYS_LISTED_MAX } from "./key_operation.ts";

/**
 * What a node reports. `checks`: one result for each check, in the order of the batch. `keys`: the
 * outcome of a key operation, with the node's keys if it was to list them. `batch`: an outcome of the
 * batch as a whole, which the node could not read.
 */
export type Report =
  | { readonly type: "checks"; readonly results: readonly CheckResult[] }
  | { readonly type: "keys"; readonly outcome: Outcome; readonly listing?: KeyListing }
  | { readonly type: "batch"; readonly outcome: Outcome };

const REPORT: Codec<Report> = taggedRow<Report, "type">("type", {
  checks: { results: list(CHECK_RESULT, CHECKS_MAX) },
  keys: {
    outcome: OUTCOME,
    listing: optional(row<KeyListing>({
      primary: FINGERPRINT,
      held: list(FINGERPRINT, KEYS_LISTED_MAX),
    })),
  },
  batch: { outcome: OUTCOME },
});

/** Whether everything passed. */
export function reportPassed(report: Report): boolean {
  return report.type === "checks" ? allPassed(report.results) : report.outcome.status === "pass";
}

/**
 * A report's bytes, at most `REPORT_BODY_MAX_BYTES`: if the outputs of its actions are over 4 MiB
 * together, each is cut to an even share, and what was cut is added to its `droppedBytes`.
 */
export function encodeReport(report: Report): Uint8Array<ArrayBuffer> {
  return encodeMessage(REPORT, bounded(report));
}

/** Reads a report. Raises `WireError`. */
export function decodeReport(bytes: Uint8Array): Report {
  return decodeMessage(bytes, { codec: REPORT, what: "a report", maxBytes: REPORT_BODY_MAX_BYTES });
}

/** One check's result, for the journal of a batch that still runs. */
export function encodeResult(result: CheckResult): Uint8Array<ArrayBuffer> {
  return encodeMessage(CHECK_RESULT, boundedResult(result, ACTION_OUTPUT_MAX_BYTES));
}

/** Reads what `encodeResult` wrote. Raises `WireError`. */
export function decodeResult(bytes: Uint8Array): CheckResult {
  return decodeMessage(bytes, { codec: CHECK_RESULT, what: "a result" });
}

function bounded(report: Report): Report {
  if (report.type !== "checks") return { ...report, outcome: boundedOutcome(report.outcome) };
  const outputs = report.results.filter(({ action }) => action !== undefined).length;
  const share = Math.floor(RESULTS_OUTPUT_MAX_BYTES / Math.max(1, outputs));
  const maxBytes = Math.min(ACTION_OUTPUT_MAX_BYTES, share);
  return { ...report, results: report.results.map((result) => boundedResult(result, maxBytes)) };
}

function boundedResult(result: CheckResult, outputMaxBytes: number): CheckResult {
  const { outcome, action } = result;
  return {
    ...result,
    outcome: boundedOutcome(outcome),
    ...(action === undefined ? {} : { action: boundedAction(action, outputMaxBytes) }),
  };
}

function boundedOutcome(outcome: Outcome): Outcome {
  if (outcome.status === "pass") return outcome;
  return { ...outcome, reason: truncateUtf8(outcome.reason, REASON_MAX_BYTES).text };
}

function boundedAction(action: ActionResult, maxBytes: number): ActionResult {
  const { text: output, droppedBytes } = truncateUtf8(action.output, maxBytes);
  return {
    ...action,
    end: boundedEnd(action.end),
    output,
    droppedBytes: action.droppedBytes + droppedBytes,
  };
}

function boundedEnd(end: ActionEnd): ActionEnd {
  if (end.type !== "refused") return end;
  return { ...end, reason: truncateUtf8(end.reason, REASON_MAX_BYTES).text };
}
