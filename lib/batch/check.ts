/**
 * Checks, their outcomes and results: what every room reads them as, and their one encoding.
 * @module
 */
import {
  ACTION_MAX_BYTES,
  ACTION_OUTPUT_MAX_BYTES,
  ACTION_TIMEOUT_MAX_MS,
  CHECK_NAME_MAX_BYTES,
  CHECK_TYPE_MAX_BYTES,
  REASON_MAX_BYTES,
} from "../limits.ts";
import {
  type Codec,
  count,
  dictionary,
  list,
  malformed,
  optional,
  row,
  taggedRow,
  text,
} from "../msgpack_codec.ts";

/** The value of one field. A check file holds strings only; a newer node may send anything. */
export type FieldValue =
  | string
  | number
  | boolean
  | null
  | readonly FieldValue[]
  | { readonly [key: string]: FieldValue };

/** One check of a batch. Its type says which further fields there are. */
export interface Check {
  /** Its key in the check file. */
  readonly name: string;
  /** A name in the registry; a batch may hold one that this node does not know. */
  readonly type: string;
  /** The type's own fields by name, validated if the check came from a file. */
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** Shell command that runs if the check fails. */
  readonly action?: string;
  /** How long the action may run. */
  readonly actionTimeoutMs: number;
}

/**
 * What a check found. `fail`: it is not as the check says, and only then an action runs. `error`: it
 * could not be decided. `skipped`: the batch was cancelled or the daemon stopped before it was
 * decided. The reason is one line.
 */
export type Outcome =
  | { readonly status: "pass" }
  | { readonly status: "fail"; readonly reason: string }
  | { readonly status: "error"; readonly reason: string }
  | { readonly status: "skipped"; readonly reason: string };

/**
 * How an action ended. `exited`: by itself, with its exit status. `signaled`: by a signal that
 * gossipcheck did not send, such as `SIGKILL`. `timed_out`: ended with all its children after its
 * check's `action_timeout`. `aborted`: ended by `gcheck cancel` or by the daemon's stop.
 * `interrupted`: it ran when the node went down; it is never started again. `refused`: policy,
 * permissions or a cancellation did not let it start.
 */
export type ActionEnd =
  | { readonly type: "exited"; readonly code: number }
  | { readonly type: "signaled"; readonly signal: string }
  | { readonly type: "timed_out" }
  | { readonly type: "aborted" }
  | { readonly type: "interrupted" }
  | { readonly type: "refused"; readonly reason: string };

/** The result of a failing check's action. */
export interface ActionResult {
  /** How it ended. */
  readonly end: ActionEnd;
  /** The first 64 KiB of its output. */
  readonly output: string;
  /** How many bytes of output were cut. */
  readonly droppedBytes: number;
  /** From its start to its end; 0 if it did not start. */
  readonly durationMs: number;
}

/** The result of one check on one node. */
export interface CheckResult {
  /** The check's name. */
  readonly check: string;
  /** What it found. */
  readonly outcome: Outcome;
  /** How long the probe took, without the wait for a slot and without the action. */
  readonly durationMs: number;
  /** Present if the check failed and has an action. */
  readonly action?: ActionResult;
}

/** Whether every check passed. */
export function allPassed(results: readonly CheckResult[]): boolean {
  return results.every(({ outcome }) => outcome.status === "pass");
}

/** How an action ended, in a few words: `exit 0`, `signal SIGKILL`, `timed out`, `refused: …`. */
export function endText(end: ActionEnd): string {
  switch (end.type) {
    case "exited":
      return `exit ${end.code}`;
    case "signaled":
      return `signal ${end.signal}`;
    case "timed_out":
      return "timed out";
    case "aborted":
    case "interrupted":
      return end.type;
    case "refused":
      return `refused: ${end.reason}`;
    default:
      return end satisfies never;
  }
}

const reason = text({ max: REASON_MAX_BYTES });
const checkName = text({ min: 1, max: CHECK_NAME_MAX_BYTES });

/** Anything that JSON could hold: no bytes, dates or extensions. Only the check's type knows more. */
const FIELD_VALUE: Codec<FieldValue> = {
  encode: (value) => value as ReturnType<Codec<FieldValue>["encode"]>,
  decode: (value, at) => {
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (typeof value === "string" && value.isWellFormed()) return value;
    if (Array.isArray(value)) return list(FIELD_VALUE).decode(value, at);
    if (typeof value === "object") return dictionary(FIELD_VALUE).decode(value, at);
    throw malformed(at, "text, a number, true, false, null, a list or a map");
  },
};

/** One check as it travels in a batch's body. */
export const CHECK: Codec<Check> = row<Check>({
  name: checkName,
  type: text({ min: 1, max: CHECK_TYPE_MAX_BYTES }),
  fields: dictionary(FIELD_VALUE),
  action: optional(text({ max: ACTION_MAX_BYTES })),
  actionTimeoutMs: count(ACTION_TIMEOUT_MAX_MS),
});

/** One outcome as it travels in a report. */
export const OUTCOME: Codec<Outcome> = taggedRow<Outcome, "status">("status", {
  pass: {},
  fail: { reason },
  error: { reason },
  skipped: { reason },
});

/** One check's result as it travels in a report. */
export const CHECK_RESULT: Codec<CheckResult> = row<CheckResult>({
  check: checkName,
  outcome: OUTCOME,
  durationMs: count(),
  action: optional(row<ActionResult>({
    end: taggedRow<ActionEnd, "type">("type", {
      exited: { code: count() },
      signaled: { signal: text({ max: 32 }) },
      timed_out: {},
      aborted: {},
      interrupted: {},
      refused: { reason },
    }),
    output: text({ max: ACTION_OUTPUT_MAX_BYTES }),
    droppedBytes: count(),
    durationMs: count(),
  })),
});
