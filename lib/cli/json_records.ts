/**
 * The JSON objects of `-output json` and `-output jsonl`. Property names are stable: later versions
 * may add properties, and rename none. Durations are in milliseconds.
 * @module
 */
import type { ActionResult, CheckResult } from "../batch/check.ts";
import type { RolloutStanding } from "../batch/progress.ts";
import type { BatchLine, BatchState, MemberLine } from "../client/protocol.ts";
import { formatAddress } from "../address.ts";
import type { Problem } from "../errors.ts";
import { conditionText, memberStateName } from "./batch_status_text.ts";
import type { OutputEvent } from "./output_format.ts";
import { type BatchReport, skippedCount } from "./batch_view.ts";
import { type NodeResults, summaryNames } from "./node_results.ts";

/** The result of an action. */
export interface ActionRecord {
  /** `exited`, `signaled`, `timed_out`, `aborted`, `interrupted` or `refused`. */
  readonly end: string;
  /** The exit status of `exited`. */
  readonly code?: number;
  /** The signal of `signaled`. */
  readonly signal?: string;
  /** The reason of `refused`. */
  readonly reason?: string;
  /** The first 64 KiB of its output. */
  readonly output: string;
  /** Number of bytes of output that were cut. */
  readonly dropped_bytes: number;
  readonly duration_ms: number;
}

/** The outcome of one check on one node, or a node without a report. */
export interface ResultRecord {
  /** The batch's id; absent for `local-check`. */
  readonly batch?: string;
  readonly node: string;
  /** The check's name; absent if `status` is that of the whole node. */
  readonly check?: string;
  /**
   * `pass`, `fail`, `error` or `skipped`; for a whole node `unreached`, `unanswered` or `skipped`.
   */
  readonly status: string;
  /** Why the outcome is not `pass`. */
  readonly reason?: string;
  /** The member state of an `unreached` node: `failed`, `left`, `suspect` or `alive`. */
  readonly member_state?: string;
  /**
   * Why a whole node skipped the batch: `rollout_stopped`, `cancelled`, `expired` or
   * `not_targeted`.
   */
  readonly skip_reason?: string;
  /** How long the check took, without its action. */
  readonly duration_ms?: number;
  /** Present if the check failed and has an action. */
  readonly action?: ActionRecord;
}

/** One node in the document of a batch. */
export interface NodeRecord {
  readonly node: string;
  /** `done`, `unreached`, `unanswered` or `skipped`. */
  readonly state: string;
  /** The member state of an `unreached` node. */
  readonly member_state?: string;
  /** Why a `skipped` node skipped the batch. */
  readonly skip_reason?: string;
  /** The outcomes of a `done` node, without `batch` and `node`. */
  readonly results?: readonly Omit<ResultRecord, "batch" | "node">[];
}

/** The state of a roll-out. */
export interface RolloutRecord {
  /** The current stage, or the last one that started, counted from 1. */
  readonly stage: number;
  /** Number of stages. */
  readonly stages: number;
  /** Number of nodes so far that failed or were unreached. */
  readonly failures: number;
  /** The roll-out stops if there are more failures. */
  readonly max_failures: number;
  /** Whether the roll-out stopped before its last stage. */
  readonly stopped: boolean;
}

/** The state of a batch as a whole. */
export interface StateRecord {
  /** Tag conditions as in `-target`, and node names as in `-nodes`; both empty for all members. */
  readonly target: { readonly tags: readonly string[]; readonly nodes: readonly string[] };
  /** When it expires, in ISO 8601, UTC; null for never. Absent after it has expired. */
  readonly expires_at?: string | null;
  readonly cancelled: boolean;
  /** The name of the signing key in the daemon's file of trusted keys. */
  readonly signer?: string;
  /** Absent for a batch without stages, and if the daemon is not the origin. */
  readonly rollout?: RolloutRecord;
}

/** The document of a batch; without the fields of `StateRecord` for `local-check`. */
export interface ReportRecord extends Partial<StateRecord> {
  /** The batch's id; absent for `local-check`. */
  readonly batch?: string;
  /** The exit status of `gcheck`. */
  readonly exit_status: number;
  /** Numbers of nodes by state, and of outcomes. */
  readonly summary: Readonly<Record<string, number>>;
  /** Time from sending to the end of the wait; absent for `results`. */
  readonly elapsed_ms?: number;
  /** Every targeted member, sorted by name. */
  readonly nodes: readonly NodeRecord[];
}

/** One member of the cluster. */
export interface MemberRecord {
  /** Its unique name. */
  readonly name: string;
  /** `1.2.3.4:3505` or `[::1]:3505`. */
  readonly address: string;
  /** `alive`, `suspect`, `left` or `failed`. */
  readonly state: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Whether it runs gossipcheck. */
  readonly gossipcheck: boolean;
  /** The only transport that reaches it, `udp` or `tcp`; absent if both do. */
  readonly degraded?: string;
  /** Whether it is the daemon that replied. */
  readonly self: boolean;
}

/** A generated key. */
export interface KeyRecord {
  /** The secret, as in a key file; absent if it was written to a file. */
  readonly key?: string;
  /** The file that holds the secret. */
  readonly file?: string;
  /** The fingerprint of a cluster key. */
  readonly fingerprint?: string;
  /** For a signing key, its line for a file of `-trusted-keys`. */
  readonly trusted_key?: string;
}

/** One batch in the list. */
export interface BatchRecord extends StateRecord {
  /** The batch's id. */
  readonly batch: string;
  /** When it was issued, in ISO 8601, UTC. */
  readonly issued_at: string;
  /** The node that collects its results. */
  readonly origin: string;
  /** The names of its checks; `(keys)` for a key operation. */
  readonly checks: readonly string[];
  /**
   * Numbers of members: `targeted`, `answered`, `unreached`, `skipped`, `not_passing`. Absent if
   * the daemon is not the origin.
   */
  readonly counts?: Readonly<Record<string, number>>;
}

/** The record of one outcome on one node. */
export function resultRecord(
  result: CheckResult,
  from: { batchId?: string; node: string },
): ResultRecord {
  return { ...optional("batch", from.batchId), node: from.node, ...outcomeRecord(result) };
}

/** The record of a node without a report; undefined for a node that reported. */
export function missingRecord(
  progress: NodeResults,
  from: { batchId?: string },
): ResultRecord | undefined {
  if (progress.state === "done") return undefined;
  const { node, state, ...rest } = nodeRecord(progress);
  return { ...optional("batch", from.batchId), node, status: state, ...rest } as ResultRecord;
}

/** The document of a batch. */
export function reportRecord(report: BatchReport): ReportRecord {
  const { nodes, answered, unreached, unanswered, passed, failed, errors, skipped } = report.counts;
  return {
    ...optional("batch", report.batchId),
    exit_status: report.exitStatus,
    summary: {
      ...{ nodes, answered, unreached, unanswered, passed, failed, errors, skipped },
      skipped_nodes: skippedCount(report.counts),
    },
    ...optional("elapsed_ms", round(report.elapsedMs)),
    ...(report.state === undefined ? {} : stateRecord(report.state)),
    nodes: report.nodes.map(nodeRecord),
  };
}

/** The record of one member. */
export function memberRecord(member: MemberLine): MemberRecord {
  return {
    name: member.name,
    address: formatAddress(member.address),
    state: member.state,
    tags: member.tags,
    gossipcheck: member.runsGossipcheck,
    ...optional("degraded", member.degraded),
    self: member.self,
  };
}

/** The record of one batch in the list. */
export function batchRecord(batch: BatchLine): BatchRecord {
  const { counts } = batch;
  return {
    batch: batch.batchId,
    issued_at: isoTime(batch.issuedAtMs),
    origin: batch.origin,
    checks: summaryNames(batch.summary),
    ...stateRecord(batch),
    ...optional(
      "counts",
      counts === undefined ? undefined : {
        targeted: counts.targeted,
        answered: counts.answered,
        unreached: counts.unreached,
        skipped: counts.skipped,
        not_passing: counts.notPassing,
      },
    ),
  };
}

function stateRecord({ target, expiresAtMs, cancelled, signer, rollout }: BatchState): StateRecord {
  return {
    target: { tags: (target.tags ?? []).map(conditionText), nodes: target.nodes ?? [] },
    ...(expiresAtMs === undefined
      ? {}
      : { expires_at: expiresAtMs === 0 ? null : isoTime(expiresAtMs) }),
    cancelled,
    ...optional("signer", signer),
    ...optional("rollout", rollout && rolloutRecord(rollout)),
  };
}

function rolloutRecord({ maxFailures, ...rollout }: RolloutStanding): RolloutRecord {
  const { stage, stages, failures, stopped } = rollout;
  return { stage, stages, failures, max_failures: maxFailures, stopped };
}

/** The record of a generated key; with its secret only if it was not written to a file. */
export function keyRecord(made: OutputEvent & { type: "key_made" }): KeyRecord {
  const { file, text, fingerprint, trusted } = made;
  return {
    ...(file === undefined ? { key: text.trimEnd() } : { file }),
    ...optional("fingerprint", fingerprint),
    ...optional("trusted_key", trusted),
  };
}

/** The record of an error in a check file, with its properties in a fixed order. */
export function problemRecord({ line, column, check, field, message }: Problem): Problem {
  return {
    ...optional("line", line),
    ...optional("column", column),
    ...optional("check", check),
    ...optional("field", field),
    message,
  };
}

function outcomeRecord(result: CheckResult): Omit<ResultRecord, "batch" | "node"> {
  const { check, outcome, durationMs, action } = result;
  return {
    check,
    ...outcome,
    ...optional("duration_ms", round(durationMs)),
    ...optional("action", action === undefined ? undefined : actionRecord(action)),
  };
}

function actionRecord(action: ActionResult): ActionRecord {
  const { type, ...more } = action.end;
  return {
    end: type,
    ...more,
    output: action.output,
    dropped_bytes: action.droppedBytes,
    duration_ms: round(action.durationMs) ?? 0,
  };
}

function nodeRecord(progress: NodeResults): NodeRecord {
  const { node } = progress;
  switch (progress.state) {
    case "pending":
    case "running":
      return { node, state: "unanswered" };
    case "unreached":
      return { node, state: "unreached", member_state: memberStateName(progress.memberState) };
    case "skipped":
      return { node, state: "skipped", skip_reason: progress.reason };
    case "done":
      return { node, state: "done", results: progress.results.map(outcomeRecord) };
    default:
      return progress satisfies never;
  }
}

/** An object with the property, or without it if the value is undefined. */
function optional<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: T };
}

function round(durationMs: number | undefined): number | undefined {
  return durationMs === undefined ? undefined : Math.round(durationMs * 1_000) / 1_000;
}

/**
 * Formats a time in ISO 8601; in Unix milliseconds if a daemon's clock is beyond the range of
 * `Date`.
 */
function isoTime(timeMs: number): string {
  return Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : String(timeMs);
}
