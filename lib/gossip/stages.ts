/**
 * Staged roll-out: which members may run a batch now. Pure: it is worked out anew from the members'
 * progress each time, so an origin that restarts goes on where it was.
 * @module
 */
import type { MemberProgress, Rollout } from "./types.ts";

/** Where a roll-out stands. */
export interface RolloutState {
  /** Members that may run and have not answered. */
  readonly open: readonly string[];
  /** Members whose stage has not come; empty where it is in its last. */
  readonly waiting: readonly string[];
  /** Members that failed or were unreached. */
  readonly failures: number;
  /** Whether there were too many failures for those that wait. */
  readonly stopped: boolean;
}

/** One stage for all: what a sample is without stages. */
export const ALL_AT_ONCE: Rollout = { stageSize: Infinity, maxFailures: Infinity };

/** Whether nothing more is waited for. */
export function isSettled(progress: MemberProgress): boolean {
  return progress.state !== "pending" && progress.state !== "running";
}

/** Whether it counts against `maxFailures`. */
export function isFailure(progress: MemberProgress): boolean {
  return progress.state === "unreached" || (progress.state === "done" && !progress.passed);
}

/**
 * Walks the stages in order: the next one's turn comes when all of the one before have settled, and
 * never once there are too many failures.
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

/** How far a staged roll-out has come, for people. */
export interface RolloutStanding {
  /** The stage whose turn it is, or that was the last one; the first is 1. */
  readonly stage: number;
  /** How many stages there are. */
  readonly stages: number;
  /** Members of the stages so far that failed or were unreached. */
  readonly failures: number;
  /** The roll-out stops when there are more failures than this. */
  readonly maxFailures: number;
  /** Whether it stopped, so that later stages did not start. */
  readonly stopped: boolean;
}

/** Where a roll-out stands; worked out anew each time, as `rolloutState` is. */
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
