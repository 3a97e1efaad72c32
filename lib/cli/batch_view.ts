/**
 * Collects the results of a batch by member, counts them, and computes the exit status.
 * @module
 */
import { allPassed, type CheckResult } from "../batch/check.ts";
import type { SkipReason } from "../batch/progress.ts";
import type { BatchState } from "../client/protocol.ts";
import { EXIT_STATUS } from "../errors.ts";
import { compareNames } from "./name_list.ts";
import type { AnsweredNode, NodeResults } from "./node_results.ts";

/** Numbers of members by state, and of outcomes over all members. */
export interface BatchCounts {
  /** Members that the batch is for. */
  readonly nodes: number;
  /** Members that reported. */
  readonly answered: number;
  /** Members that failed or left before they reported. */
  readonly unreached: number;
  /** Members that have not reported yet. */
  readonly unanswered: number;
  /** Members that skipped the batch, by reason. */
  readonly skippedNodes: Readonly<Record<SkipReason, number>>;
  /** Members with an outcome other than pass. */
  readonly notPassing: number;
  readonly passed: number;
  readonly failed: number;
  readonly errors: number;
  readonly skipped: number;
}

/** The results of a batch when it is complete, or when the wait for it ended. */
export interface BatchReport {
  /** Absent for `local-check`. */
  readonly batchId?: string;
  /** Target, expiry and roll-out of the batch; absent if the daemon did not send them. */
  readonly state?: BatchState;
  /** The results of each member, sorted by name. */
  readonly nodes: readonly NodeResults[];
  readonly counts: BatchCounts;
  /** 0, 1 or 3 (see `EXIT_STATUS`); the highest that applies. */
  readonly exitStatus: number;
  /** Time from sending to the end of the wait, in milliseconds; absent for `results`. */
  readonly elapsedMs?: number;
}

/** Collects the replies about one batch and keeps the counts current. */
export class BatchView {
  readonly #checks: readonly string[];
  readonly #nodes = new Map<string, NodeResults>();
  readonly #sums = { passed: 0, failed: 0, errors: 0, skipped: 0 };
  readonly #states = { pending: 0, running: 0, done: 0, unreached: 0, skipped: 0 };
  readonly #skips = { rollout_stopped: 0, cancelled: 0, expired: 0, not_targeted: 0 };
  #notPassing = 0;
  #state: BatchState | undefined;

  /**
   * `checks`: the names of the checks that were sent, so that an outcome missing from a report does
   * not count as a pass; empty if they are not known.
   */
  constructor(options: { checks: readonly string[] }) {
    this.#checks = options.checks;
  }

  /** Adds members as pending; keeps the state of a member that is known already. */
  expect(nodes: readonly string[]): void {
    for (const node of nodes) {
      if (this.#nodes.has(node)) continue;
      this.#nodes.set(node, { node, state: "pending" });
      this.#states.pending++;
    }
  }

  /** The last state of the batch that the daemon sent; undefined before the first. */
  get state(): BatchState | undefined {
    return this.#state;
  }

  /** Replaces the state of the batch. */
  setState(state: BatchState): void {
    this.#state = state;
  }

  /**
   * Updates the state of one member. Returns its results if these are its first ones; a later
   * update does not replace results.
   */
  update(progress: NodeResults): readonly CheckResult[] | undefined {
    const before = this.#nodes.get(progress.node);
    if (before?.state === "done") return undefined;
    if (before !== undefined) this.#tally(before, -1);
    this.#tally(progress, 1);
    if (progress.state !== "done") {
      this.#nodes.set(progress.node, progress);
      return undefined;
    }
    const results = this.#complete(progress);
    this.#nodes.set(progress.node, { ...progress, results });
    for (const { outcome } of results) this.#sums[SUM_OF[outcome.status]]++;
    if (results.some(({ outcome }) => outcome.status !== "pass")) this.#notPassing++;
    return results;
  }

  /** The current counts. */
  counts(): BatchCounts {
    return {
      nodes: this.#nodes.size,
      answered: this.#states.done,
      unreached: this.#states.unreached,
      unanswered: this.#states.pending + this.#states.running,
      skippedNodes: { ...this.#skips },
      notPassing: this.#notPassing,
      ...this.#sums,
    };
  }

  /** The report on the batch as it is now. */
  report(options: { batchId?: string; elapsedMs?: number }): BatchReport {
    const counts = this.counts();
    const nodes = [...this.#nodes.values()].sort((a, b) => compareNames(a.node, b.node));
    const state = this.#state === undefined ? {} : { state: this.#state };
    return { ...options, ...state, nodes, counts, exitStatus: statusOf(counts) };
  }

  #tally(progress: NodeResults, by: 1 | -1): void {
    this.#states[progress.state] += by;
    if (progress.state === "skipped") this.#skips[progress.reason] += by;
  }

  #complete({ about, results }: AnsweredNode): readonly CheckResult[] {
    // An error of the whole batch covers every check; a pass of the whole batch covers none.
    if (about !== "checks" && !allPassed(results)) return results;
    const reported = new Set(results.map(({ check }) => check));
    const missing = this.#checks.filter((name) => !reported.has(name)).map((
      check,
    ): CheckResult => ({
      check,
      outcome: { status: "error", reason: "the node reported no outcome for this check" },
      durationMs: 0,
    }));
    return [...results, ...missing];
  }
}

const SUM_OF = { pass: "passed", fail: "failed", error: "errors", skipped: "skipped" } as const;

/** The number of members that skipped the batch, for any reason. */
export function skippedCount({ skippedNodes }: BatchCounts): number {
  return Object.values(skippedNodes).reduce((sum, count) => sum + count, 0);
}

/**
 * The exit status. A batch without members is not a success, because nothing passed. A member that
 * did not receive the batch before it expired counts as not answered. A member that a stopped
 * roll-out or a cancellation kept from running it counts as failed. A member that is no longer in
 * the target does not count.
 */
function statusOf(counts: BatchCounts): number {
  const { nodes, unreached, unanswered, notPassing, skippedNodes } = counts;
  const asked = nodes - skippedNodes.not_targeted;
  if (asked === 0 || unreached + unanswered + skippedNodes.expired > 0) {
    return EXIT_STATUS.unanswered;
  }
  const stopped = skippedNodes.rollout_stopped + skippedNodes.cancelled;
  return notPassing + stopped > 0 ? EXIT_STATUS.failed : EXIT_STATUS.ok;
}
