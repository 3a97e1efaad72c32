/**
 * Decodes the reports of members for display. The outcome of a key operation, or of a batch that a
 * member could not read, becomes a row beside those of checks.
 * @module
 */
import type { BodySummary } from "../batch/body.ts";
import type { CheckResult } from "../batch/check.ts";
import type { KeyListing } from "../batch/key_operation.ts";
import { decodeReport, type Report } from "../batch/report.ts";
import type { NodeProgress } from "../client/protocol.ts";
import { WireError } from "../errors.ts";

/** Shown in place of a check's name for the outcome of a key operation. */
export const KEYS_LABEL = "(keys)";
/** Shown in place of a check's name for the outcome of a batch as a whole. */
const BATCH_LABEL = "(batch)";

/** A member that reported. */
export interface AnsweredNode {
  readonly node: string;
  readonly state: "done";
  /** The type of its report. */
  readonly about: Report["type"];
  /** One row for each outcome of the report. */
  readonly results: readonly CheckResult[];
  /** Its keys, for the key operation `list`. */
  readonly listing?: KeyListing;
}

/** The state of a batch on one member, with its report decoded. */
export type NodeResults = AnsweredNode | Exclude<NodeProgress, { readonly state: "done" }>;

/**
 * Decodes a member's report. A report that cannot be decoded, as another version may send it,
 * becomes the outcome `error` of that member.
 */
export function nodeResults(progress: NodeProgress): NodeResults {
  if (progress.state !== "done") return progress;
  const { node, state } = progress;
  const report = readReport(progress.report);
  const listing = report.type === "keys" && report.listing !== undefined
    ? { listing: report.listing }
    : {};
  return { node, state, about: report.type, results: rowsOf(report), ...listing };
}

/**
 * The names of a batch's checks, or `(keys)` for a key operation; empty if it cannot be decoded.
 */
export function summaryNames(summary: BodySummary): readonly string[] {
  switch (summary.type) {
    case "checks":
      return summary.names;
    case "keys":
      return [KEYS_LABEL];
    case "unreadable":
      return [];
    default:
      return summary satisfies never;
  }
}

/** The name of the row that shows a key in a node's keyring. */
export function heldKeyLabel(fingerprint: string): string {
  return `holds ${fingerprint}`;
}

function readReport(bytes: Uint8Array): Report {
  try {
    return decodeReport(bytes);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const reason = `cannot decode the node's report: ${error.message}`;
    return { type: "batch", outcome: { status: "error", reason } };
  }
}

function rowsOf(report: Report): readonly CheckResult[] {
  switch (report.type) {
    case "checks":
      return report.results;
    case "batch":
      return [{ check: BATCH_LABEL, outcome: report.outcome, durationMs: 0 }];
    case "keys": {
      const { outcome, listing } = report;
      if (listing === undefined) return [{ check: KEYS_LABEL, outcome, durationMs: 0 }];
      const labels = [`encrypts with ${listing.primary}`, ...listing.held.map(heldKeyLabel)];
      return labels.map((check) => ({ check, outcome, durationMs: 0 }));
    }
    default:
      return report satisfies never;
  }
}
