/**
 * What is known of a batch while its results come in, and what they amount to.
 * @module
 */
import type { CheckResult } from "../checks/check.ts";
import type { BatchState, NodeProgress } from "../client/protocol.ts";
import { EXIT_STATUS } from "../errors.ts";
import type { SkipReason } from "../gossip/types.ts";
import { compareNames } from "./name_list.ts";

/** How many of each. */
export interface BatchCounts {
  /** Members that the batch is for. */
  readonly nodes: number;
  /** Members whose outcomes are in. */
  readonly answered: number;
  /** Members that failed or left before they answered. */
  readonly unreached: number;
  /** Members of which nothing came yet. */
  readonly unanswered: number;
  /** Members that are not to run it (any more), by why. */
  readonly skippedNodes: Readonly<Record<SkipReason, number>>;
  /** Members with an outcome other than pass. */
  readonly notPassing: number;
  /** Outcomes over all members. */
  readonly passed: number;
  /** Outcomes over all members. */
  readonly failed: number;
  /** Outcomes over all members. */
  readonly errors: number;
  /** Outcomes over all members. */
  readonly skipped: number;
}

/** The end of a batch, or of the wait for it. */
export interface BatchReport {
  /** Absent for checks that ran here, without a daemon. */
  readonly batchId?: string;
  /** The batch as a whole, where the daemon told. */
  readonly state?: BatchState;
  /** Every member's part, sorted by name. */
  readonly nodes: readonly NodeProgress[];
  /** What they amount to. */
  readonly counts: BatchCounts;
  /** 0, 1 or 3, as `EXIT_STATUS` says; the highest that holds. */
  readonly exitStatus: number;
  /** How long it was waited for, in milliseconds; absent where it was only looked up. */
  readonly elapsedMs?: number;
}

/** Takes replies, counts as they come. */
export class BatchView {
  readonly #checks: readonly string[];
  readonly #nodes = new Map<string, NodeProgress>();
  readonly #sums = { passed: 0, failed: 0, errors: 0, skipped: 0 };
  readonly #states = { pending: 0, running: 0, done: 0, unreached: 0, skipped: 0 };
  readonly #skips = { rollout_stopped: 0, cancelled: 0, expired: 0, not_targeted: 0 };
  #notPassing = 0;
  #state: BatchState | undefined;

  /**
   * `checks`: the names of what was sent, so that an outcome that a node left out is not taken for
   * a pass; empty where they are not known.
   */
  constructor(options: { checks: readonly string[] }) {
    this.#checks = options.checks;
  }

  /** These members are part of it; what is known of them stays. */
  expect(nodes: readonly string[]): void {
    for (const node of nodes) {
      if (this.#nodes.has(node)) continue;
      this.#nodes.set(node, { node, state: "pending" });
      this.#states.pending++;
    }
  }

  /** The batch as a whole, as the daemon told it last. */
  get state(): BatchState | undefined {
    return this.#state;
  }

  /** Takes the batch as a whole. */
  setState(state: BatchState): void {
    this.#state = state;
  }

  /**
   * A member's part as it is now. Gives its outcomes where they are news; once they are in, nothing
   * replaces them.
   */
  update(progress: NodeProgress): readonly CheckResult[] | undefined {
    const before = this.#nodes.get(progress.node);
    if (before?.state === "done") return undefined;
    if (before !== undefined) this.#tally(before, -1);
    this.#tally(progress, 1);
    if (progress.state !== "done") {
      this.#nodes.set(progress.node, progress);
      return undefined;
    }
    const results = this.#complete(progress.results);
    this.#nodes.set(progress.node, { ...progress, results });
    for (const { outcome } of results) this.#sums[SUM_OF[outcome.status]]++;
    if (results.some(({ outcome }) => outcome.status !== "pass")) this.#notPassing++;
    return results;
  }

  /** How many of each, now. */
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

  /** What it amounts to. */
  report(options: { batchId?: string; elapsedMs?: number }): BatchReport {
    const counts = this.counts();
    const nodes = [...this.#nodes.values()].sort((a, b) => compareNames(a.node, b.node));
    const state = this.#state === undefined ? {} : { state: this.#state };
    return { ...options, ...state, nodes, counts, exitStatus: statusOf(counts) };
  }

  #tally(progress: NodeProgress, by: 1 | -1): void {
    this.#states[progress.state] += by;
    if (progress.state === "skipped") this.#skips[progress.reason] += by;
  }

  #complete(results: readonly CheckResult[]): readonly CheckResult[] {
    const told = new Set(results.map(({ check }) => check));
    // A result of a check that was not sent is how a daemon says that it cannot read the others.
    if ([...told].some((name) => !this.#checks.includes(name))) return results;
    const missing = this.#checks.filter((name) => !told.has(name)).map((check): CheckResult => ({
      check,
      outcome: { status: "error", reason: "the node told no outcome of this check" },
      durationMs: 0,
    }));
    return [...results, ...missing];
  }
}

const SUM_OF = { pass: "passed", fail: "failed", error: "errors", skipped: "skipped" } as const;

/** How many members are not to run it (any more), for whatever reason. */
export function skippedCount({ skippedNodes }: BatchCounts): number {
  return Object.values(skippedNodes).reduce((sum, count) => sum + count, 0);
}

/**
 * Where nobody was asked nothing has passed: that is no success either. A member that did not hear
 * of the batch before it expired has not answered in time; one that a stop or a cancellation kept
 * from running it has not passed; one that the batch is not for any more counts for nothing.
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
