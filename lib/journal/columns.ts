/**
 * Converts values to columns of the journal and back.
 * @module
 */
import type { MemberProgress, SkipReason } from "../batch/progress.ts";
import type { StoreValue } from "../runtime.ts";
import type { NodeState } from "../wire/messages.ts";

/** Converts the progress of a member to the columns `state`, `detail`, `passed` and `report`. */
export function memberColumns(
  progress: MemberProgress,
): [string, StoreValue, StoreValue, StoreValue] {
  switch (progress.state) {
    case "pending":
    case "running":
      return [progress.state, null, null, null];
    case "done":
      return [progress.state, null, Number(progress.passed), progress.report];
    case "unreached":
      return [progress.state, progress.memberState, null, null];
    case "skipped":
      return [progress.state, progress.reason, null, null];
    default:
      return progress satisfies never;
  }
}

/** Converts the columns of `memberColumns` back. */
export function progressOf(row: Record<string, StoreValue>): MemberProgress {
  switch (row.state) {
    case "done":
      return { state: "done", passed: row.passed === 1, report: bytesOf(row.report) };
    case "unreached":
      return { state: "unreached", memberState: String(row.detail) as NodeState };
    case "skipped":
      return { state: "skipped", reason: String(row.detail) as SkipReason };
    case "running":
      return { state: "running" };
    default:
      return { state: "pending" };
  }
}

/** The value of a text column. */
export function textOf(value: StoreValue | undefined): string {
  return String(value);
}

/** The value of a number column. */
export function numberOf(value: StoreValue | undefined): number {
  return Number(value);
}

/** The value of a bytes column. */
export function bytesOf(value: StoreValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}
