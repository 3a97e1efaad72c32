/**
 * Values as columns of the journal, and back.
 * @module
 */
import type { MemberProgress, SkipReason } from "../gossip/types.ts";
import type { StoreValue } from "../runtime.ts";
import type { NodeState } from "../wire/messages.ts";

/** The columns `state`, `detail`, `passed` and `body`. */
export function memberColumns(
  progress: MemberProgress,
): [string, StoreValue, StoreValue, StoreValue] {
  switch (progress.state) {
    case "pending":
    case "running":
      return [progress.state, null, null, null];
    case "done":
      return [progress.state, null, Number(progress.passed), progress.body];
    case "unreached":
      return [progress.state, progress.memberState, null, null];
    case "skipped":
      return [progress.state, progress.reason, null, null];
    default:
      return progress satisfies never;
  }
}

/** What `memberColumns` made columns of. */
export function progressOf(row: Record<string, StoreValue>): MemberProgress {
  switch (row.state) {
    case "done": {
      const body = row.body instanceof Uint8Array ? row.body : new Uint8Array(0);
      return { state: "done", passed: row.passed === 1, body };
    }
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

/** A column of text. */
export function textOf(value: StoreValue | undefined): string {
  return String(value);
}

/** A column of numbers. */
export function numberOf(value: StoreValue | undefined): number {
  return Number(value);
}

/** A column of bytes. */
export function bytesOf(value: StoreValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}
