/**
 * What `-output json` and `-output jsonl` are made of. The names of the properties are stable:
 * some may be added, none is renamed. Times are in milliseconds.
 * @module
 */
import type { ActionResult, CheckResult } from "../checks/check.ts";
import type { BatchLine, BatchState, MemberLine, NodeProgress } from "../client/protocol.ts";
import { formatAddress } from "../address.ts";
import type { Problem } from "../errors.ts";
import type { RolloutStanding } from "../gossip/stages.ts";
import { conditionText, memberStateName } from "./batch_text.ts";
import type { OutputEvent } from "./output.ts";
import { type BatchReport, skippedCount } from "./batch_view.ts";

/** How an action ended and what it wrote. */
export interface ActionRecord {
  /** `exited`, `signaled`, `timed_out`, `aborted`, `interrupted` or `refused`. */
  readonly end: string;
  /** The exit status of `exited`. */
  readonly code?: number;
  /** The signal of `signaled`. */
  readonly signal?: string;
  /** The reason of `refused`. */
  readonly reason?: string;
  /** The first 64 KiB of what it wrote. */
  readonly output: string;
  /** How many bytes of output were cut. */
  readonly dropped_bytes: number;
  /** From its start to its end. */
  readonly duration_ms: number;
}

/** One check's outcome on one node, or one node of which there is none. */
export interface ResultRecord {
  /** The batch's id; absent for `local-check`. */
  readonly batch?: string;
  /** The node's name. */
  readonly node: string;
  /** The check's name; absent where `status` is about the whole node. */
  readonly check?: string;
  /** `pass`, `fail`, `error` or `skipped`; of a whole node `unreached`, `unanswered` or `skipped`. */
  readonly status: string;
  /** Why it is no pass. */
  readonly reason?: string;
  /** How the membership holds an `unreached` node: `failed`, `left`, `suspect` or `alive`. */
  readonly member_state?: string;
  /** Why a whole node is not to run it: `rollout_stopped`, `cancelled`, `expired` or `not_targeted`. */
  readonly skip_reason?: string;
  /** How long looking took. */
  readonly duration_ms?: number;
  /** Present where the check failed and has an action. */
  readonly action?: ActionRecord;
}

/** One node in the document of a batch. */
export interface NodeRecord {
  /** The node's name. */
  readonly node: string;
  /** `done`, `unreached`, `unanswered` or `skipped`. */
  readonly state: string;
  /** How the membership holds an `unreached` node. */
  readonly member_state?: string;
  /** Why a `skipped` node is not to run it. */
  readonly skip_reason?: string;
  /** The outcomes of a `done` node, without `batch` and `node`. */
  readonly results?: readonly Omit<ResultRecord, "batch" | "node">[];
}

/** How far a staged roll-out has come. */
export interface RolloutRecord {
  /** The stage whose turn it is, or that was the last one; the first is 1. */
  readonly stage: number;
  /** How many stages there are. */
  readonly stages: number;
  /** Nodes of the stages so far that failed or were unreached. */
  readonly failures: number;
  /** It stops when there are more. */
  readonly max_failures: number;
  /** Whether it stopped before its last stage. */
  readonly stopped: boolean;
}

/** What is known of a batch as a whole. */
export interface StateRecord {
  /** Conditions on tags as `-target` takes them, and names as `-nodes` does; both empty for all. */
  readonly target: { readonly tags: readonly string[]; readonly nodes: readonly string[] };
  /** When it expires, in ISO 8601, UTC; null for never. Absent once it has. */
  readonly expires_at?: string | null;
  /** Whether it was cancelled. */
  readonly cancelled: boolean;
  /** Who signed it, by the name that the daemon asked trusts them under. */
  readonly signer?: string;
  /** Absent where all start at once, and where the daemon asked is not the origin. */
  readonly rollout?: RolloutRecord;
}

/** The document of a batch; without a `target` and what follows it for `local-check`. */
export interface ReportRecord extends Partial<StateRecord> {
  /** The batch's id; absent for `local-check`. */
  readonly batch?: string;
  /** What `gcheck` exits with. */
  readonly exit_status: number;
  /** How many of each. */
  readonly summary: Readonly<Record<string, number>>;
  /** How long it was waited for; absent where it was only looked up. */
  readonly elapsed_ms?: number;
  /** Every member that the batch is for, sorted by name. */
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
  /** What it publishes about itself. */
  readonly tags: Readonly<Record<string, string>>;
  /** Whether it takes batches. */
  readonly gossipcheck: boolean;
  /** The only transport that reaches it, `udp` or `tcp`, where one does not. */
  readonly degraded?: string;
  /** Whether it is the daemon that was asked. */
  readonly self: boolean;
}

/** A key that was made. */
export interface KeyRecord {
  /** The secret, as it would stand in a file. */
  readonly key?: string;
  /** Where it stands instead. */
  readonly file?: string;
  /** What a cluster key is called. */
  readonly fingerprint?: string;
  /** The line by which nodes trust a key that signs. */
  readonly trusted_key?: string;
}

/** One batch in the list. */
export interface BatchRecord extends StateRecord {
  /** Its id. */
  readonly batch: string;
  /** When it was issued, in ISO 8601, UTC. */
  readonly issued_at: string;
  /** The node that collects its results. */
  readonly origin: string;
  /** The names of its checks. */
  readonly checks: readonly string[];
  /** `targeted`, `answered`, `unreached`, `skipped`, `not_passing`: members; absent where the daemon asked is not the origin. */
  readonly counts?: Readonly<Record<string, number>>;
}

/** One outcome of one node. */
export function resultRecord(
  result: CheckResult,
  from: { batchId?: string; node: string },
): ResultRecord {
  return { ...optional("batch", from.batchId), node: from.node, ...outcomeRecord(result) };
}

/** A node that has not answered; undefined for one that has. */
export function missingRecord(
  progress: NodeProgress,
  from: { batchId?: string },
): ResultRecord | undefined {
  if (progress.state === "done") return undefined;
  const { node, state, ...rest } = nodeRecord(progress);
  return { ...optional("batch", from.batchId), node, status: state, ...rest } as ResultRecord;
}

/** The whole document. */
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

/** One member. */
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

/** One batch of the list. */
export function batchRecord(batch: BatchLine): BatchRecord {
  const { counts } = batch;
  return {
    batch: batch.batchId,
    issued_at: isoTime(batch.issuedAtMs),
    origin: batch.origin,
    checks: batch.checks,
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

/** A key that was made; its secret only where it stands in no file. */
export function keyRecord(made: OutputEvent & { type: "key_made" }): KeyRecord {
  const { file, text, fingerprint, trusted } = made;
  return {
    ...(file === undefined ? { key: text.trimEnd() } : { file }),
    ...optional("fingerprint", fingerprint),
    ...optional("trusted_key", trusted),
  };
}

/** One thing wrong in a check file, its properties in one order. */
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

function nodeRecord(progress: NodeProgress): NodeRecord {
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

/** The property, or none where it has no value. */
function optional<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: T };
}

function round(durationMs: number | undefined): number | undefined {
  return durationMs === undefined ? undefined : Math.round(durationMs * 1_000) / 1_000;
}

/** A daemon's clock may say anything; a date that no calendar has is shown as the epoch's number. */
function isoTime(timeMs: number): string {
  return Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : String(timeMs);
}
