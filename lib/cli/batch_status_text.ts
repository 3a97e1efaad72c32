/**
 * Formats the status of a batch for people: its target, expiry, cancellation and roll-out, and the
 * headings over the members that did not report.
 * @module
 */
import type { BatchState } from "../client/protocol.ts";
import type { NodeResults } from "./node_results.ts";
import type { RolloutStanding, SkipReason } from "../batch/progress.ts";
import type { TagCondition, Target } from "../batch/target.ts";

/** The heading over the members that skipped a batch, by reason. */
const SKIPPED: Readonly<Record<SkipReason, string>> = {
  rollout_stopped: "skipped, the roll-out stopped before their stage",
  cancelled: "skipped, cancelled before they started",
  expired: "skipped, the batch expired before they answered",
  not_targeted: "skipped, no longer in the target because their tags changed",
};

/** The heading over the members without a report in this state; undefined for one with a report. */
export function missingHead(progress: NodeResults): string | undefined {
  switch (progress.state) {
    case "done":
      return undefined;
    case "pending":
      return "not answered";
    case "running":
      return "not answered, running";
    case "unreached":
      return `unreached, ${memberStateName(progress.memberState)}`;
    case "skipped":
      return SKIPPED[progress.reason];
    default:
      return progress satisfies never;
  }
}

/** The name that users see for a member state of SWIM: `dead` is `failed`. */
export function memberStateName(state: string): string {
  return state === "dead" ? "failed" : state;
}

/** Formats a tag condition in the syntax of `-target`: `role=web`, `zone!=b`. */
export function conditionText({ key, equal, value }: TagCondition): string {
  return `${key}${equal ? "=" : "!="}${value}`;
}

/** Formats a target: `role=web,zone!=b`, `nodes a,web-*`, both joined by `and`, or `all`. */
export function targetText({ tags = [], nodes = [] }: Target): string {
  const parts = [
    ...(tags.length === 0 ? [] : [tags.map(conditionText).join(",")]),
    ...(nodes.length === 0 ? [] : [`nodes ${nodes.join(",")}`]),
  ];
  return parts.length === 0 ? "all" : parts.join(" and ");
}

/** The state column of the batch list, such as `stage 1/4` or `expires in 59m`. */
export function stateText(
  state: BatchState,
  options: { nowMs: number; isOpen: boolean },
): string {
  const { cancelled, rollout, expiresAtMs } = state;
  if (cancelled) return "cancelled";
  if (rollout?.stopped === true) return `stopped at stage ${rollout.stage}/${rollout.stages}`;
  if (rollout !== undefined && options.isOpen) return `stage ${rollout.stage}/${rollout.stages}`;
  if (expiresAtMs === 0) return "never expires";
  const leftMs = (expiresAtMs ?? 0) - options.nowMs;
  return leftMs <= 0 ? "expired" : `expires in ${ageText(leftMs)}`;
}

/** The lines under a batch's table, without newlines: that it was cancelled, or its stage. */
export function standingLines(
  { cancelled, rollout }: BatchState,
  options: { isOpen: boolean },
): string[] {
  const lines = cancelled ? ["cancelled: nothing more was started"] : [];
  if (rollout === undefined || cancelled) return lines;
  if (rollout.stopped) return [...lines, `roll-out stopped at ${stageText(rollout)}`];
  return options.isOpen ? [...lines, `roll-out at ${stageText(rollout)}`] : lines;
}

/** Formats an age in the largest unit of which it has at least one: `3d`, `50m`, `4s`. */
export function ageText(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1_000));
  for (const [unit, length] of [["d", 86_400], ["h", 3_600], ["m", 60]] as const) {
    if (seconds >= length) return `${Math.floor(seconds / length)}${unit}`;
  }
  return `${seconds}s`;
}

function stageText({ stage, stages, failures, maxFailures }: RolloutStanding): string {
  const nodes = failures === 1 ? "1 node" : `${failures} nodes`;
  return `stage ${stage} of ${stages}: ${nodes} failed or unreached, -max-failures allows ${maxFailures}`;
}
