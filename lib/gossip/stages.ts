/**
 * Staged roll-outs: which members may run a batch now. It is computed from the members' progress each
 * time, so that an origin that restarts goes on where it was.
 * @module
 */
import type { MemberProgress, Rollout, RolloutStanding } from "../batch/progress.ts";

/** The state of a roll-out. */
export interface RolloutState {
  /** Members that may run and have not answered. */
  readonly open: readonly string[];
  /** Members whose stage has not come; empty in the last stage. */
  readonly waiting: readonly string[];
  /** Members that failed or were unreached. */
  readonly failures: number;
  /** Whether too many members failed for the others to start. */
  readonly stopped: boolean;
}

/** One stage for all members. */
export const ALL_AT_ONCE: Rollout = { stageSize: Infinity, maxFailures: Infinity };

/** Whether the member's part has ended: it is neither pending nor running. */
export function isSettled(progress: MemberProgress): boolean {
  return progress.state !== "pending" && progress.state !== "running";
}

/** Whether it counts against `maxFailures`. */
export function isFailure(progress: MemberProgress): boolean {
  return progress.state === "unreached" || (progress.state === "done" && !progress.passed);
}

/**
 * The state of a roll-out: a stage starts when all members of the one before have settled, and never
 * after too many failures.
 */
export function rolloutState(
  members: ReadonlyMap<string, MemberProgress>,
  rollout: Rollout,
): RolloutState {
  const entries = [...members];
  let failures = 0;
  for (let start = 0; start < entries.length; start += rollout.stageSize) {
    const stage = entries.slice(start, start + rollout.stageSize);
    failures += stage.filter(([, progress]) => isFailure(progress)).length;
    const later = start + rollout.stageSize;
    const open = unsettled(stage);
    const stopped = failures > rollout.maxFailures && later < entries.length;
    if (open.length > 0 || stopped) {
      const waiting = unsettled(entries.slice(later));
      return { open, waiting, failures, stopped: stopped && waiting.length > 0 };
    }
  }
  return { open: [], waiting: [], failures, stopped: false };
}

function unsettled(entries: readonly (readonly [string, MemberProgress])[]): string[] {
  return entries.filter(([, progress]) => !isSettled(progress)).map(([name]) => name);
}

/** How far a roll-out is, for people. */
export function rolloutStanding(
  members: ReadonlyMap<string, MemberProgress>,
  rollout: Rollout,
): RolloutStanding {
  const { stageSize, maxFailures } = rollout;
  const parts = [...members.values()];
  const stages = Math.max(1, Math.ceil(parts.length / stageSize));
  const stopped = parts.some((part) =>
    part.state === "skipped" && part.reason === "rollout_stopped"
  );
  let failures = 0;
  for (let stage = 1;; stage++) {
    const ofStage = parts.slice((stage - 1) * stageSize, stage * stageSize);
    failures += ofStage.filter(isFailure).length;
    const isOpen = ofStage.some((part) => !isSettled(part)) || failures > maxFailures;
    if (isOpen || stage >= stages) return { stage, stages, failures, maxFailures, stopped };
  }
}
