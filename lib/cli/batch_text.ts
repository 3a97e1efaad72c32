/**
 * What is said of a batch as a whole: whom it is for, how long it lives, how far it has rolled out.
 * @module
 */
import type { BatchState, NodeProgress } from "../client/protocol.ts";
import type { RolloutStanding } from "../gossip/stages.ts";
import type { SkipReason, TagCondition, Target } from "../gossip/types.ts";

/** What heads the list of members that are not to run a batch (any more). */
const SKIPPED: Readonly<Record<SkipReason, string>> = {
  rollout_stopped: "skipped, the roll-out stopped before their stage",
  cancelled: "skipped, cancelled before they started",
  expired: "skipped, the batch expired before they answered",
  not_targeted: "skipped, their tags changed and the target names them no more",
};

/** What heads the list of members of which nothing came; undefined for one that has answered. */
export function missingHead(progress: NodeProgress): string | undefined {
  switch (progress.state) {
    case "done":
      return undefined;
    case "pending":
      return "not answered";
    case "running":
      return "not answered, at work";
    case "unreached":
      return `unreached, ${memberStateName(progress.memberState)}`;
    case "skipped":
      return SKIPPED[progress.reason];
    default:
      return progress satisfies never;
  }
}

/** What people call a state of the membership. */
export function memberStateName(state: string): string {
  return state === "dead" ? "failed" : state;
}

/** A condition as `-target` takes it. */
export function conditionText({ key, equal, value }: TagCondition): string {
  return `${key}${equal ? "=" : "!="}${value}`;
}

/** `role=web,zone!=b`, `nodes a,web-*`, both, or `all`. */
export function targetText({ tags = [], nodes = [] }: Target): string {
  const parts = [
    ...(tags.length === 0 ? [] : [tags.map(conditionText).join(",")]),
    ...(nodes.length === 0 ? [] : [`nodes ${nodes.join(",")}`]),
  ];
  return parts.length === 0 ? "all" : parts.join(" and ");
}

/** What there is to know of a batch in the list, in a few words. */
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

/** Lines under a batch's table: cancelled, or a roll-out that is not through. */
export function standingLines(
  { cancelled, rollout }: BatchState,
  options: { isOpen: boolean },
): string[] {
  const lines = cancelled ? ["cancelled: what had not started did not start"] : [];
  if (rollout === undefined || cancelled) return lines;
  if (rollout.stopped) return [...lines, `roll-out stopped at ${stageText(rollout)}`];
  return options.isOpen ? [...lines, `roll-out at ${stageText(rollout)}`] : lines;
}

/** The largest unit that gives a whole number above 0. */
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
