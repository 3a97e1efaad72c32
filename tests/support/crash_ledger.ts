/**
 * Records what actions did and what origins reported, and checks that both agree in spite of crashes.
 * @module
 */
import { join } from "@std/path";
import type { ActionResult, Check, CheckResult } from "../../lib/batch/check.ts";
import { nodeResults } from "../../lib/cli/node_results.ts";
import type { NodeProgress } from "../../lib/client/protocol.ts";

/** The actions of a batch. */
export interface StampingChecks {
  /** Number of checks whose action writes a stamp at its start and at its end. */
  readonly actions: number;
  /** Duration of each action in milliseconds. */
  readonly actionMs: number;
}

/** Name of the check without an action. */
const PASSING = "passes";

interface Stamps {
  starts: number;
  ends: number;
}

/** Checks the batches of a cluster across restarts. */
export class CrashLedger {
  readonly #directory: string;
  /** The results that an origin has reported or acknowledged, by batch and node. */
  readonly #shown = new Map<string, Map<string, string>>();
  /** The batches that an origin has accepted. */
  readonly #accepted = new Set<string>();
  readonly #ends = new Map<string, string>();
  /** The violations found so far. */
  readonly violations: string[] = [];

  /** Lets actions write their stamps into `directory`, one file for each node. */
  constructor(options: { directory: string }) {
    this.#directory = options.directory;
  }

  /** Returns checks that fail on every node and whose actions write stamps, and one that passes. */
  checks({ actions, actionMs }: StampingChecks): Check[] {
    const stamp = (when: string) =>
      `echo "$GOSSIPCHECK_BATCH $GOSSIPCHECK_CHECK ${when}" >> '${this.#directory}'/"stamps-$GOSSIPCHECK_NODE"`;
    const common = { type: "file_exists", actionTimeoutMs: 60_000 };
    const action = `${stamp("start")}; sleep ${actionMs / 1_000}; ${stamp("end")}`;
    const stamping = Array.from({ length: actions }, (_, index): Check => ({
      ...{ ...common, name: `stamp-${index}`, action },
      fields: { path: join(this.#directory, "never-there") },
    }));
    return [{ ...common, name: PASSING, fields: { path: "/" } }, ...stamping];
  }

  /** Records that an origin has accepted a batch: it must never forget it. */
  accepted(batchId: string): void {
    this.#accepted.add(batchId);
  }

  /** Records the progress that an origin reports. A node that was done once must stay done. */
  shows(batchId: string, progress: ReadonlyMap<string, NodeProgress> | undefined): void {
    if (progress === undefined && this.#accepted.has(batchId)) {
      this.violations.push(`${batchId}: its origin accepted it and does not know it`);
    }
    for (const [node, was] of this.#shown.get(batchId) ?? []) {
      const state = progress?.get(node)?.state;
      if (state === "done") continue;
      this.violations.push(`${batchId} ${node}: reported as ${was}, now as ${state}`);
    }
    for (const each of progress?.values() ?? []) {
      const found = nodeResults(each);
      if (found.state === "done") this.acknowledged(batchId, found);
    }
  }

  /** Records results that were acknowledged or reported. They must never change. */
  acknowledged(
    batchId: string,
    done: { readonly node: string; readonly results: readonly CheckResult[] },
  ): void {
    const shown = this.#shown.get(batchId) ?? new Map<string, string>();
    this.#shown.set(batchId, shown);
    const results = JSON.stringify(done.results);
    const before = shown.get(done.node) ?? results;
    shown.set(done.node, results);
    if (before !== results) {
      this.violations.push(`${batchId} ${done.node}: the result was ${before}, now is ${results}`);
    }
  }

  /** Compares the results of a batch on one node with what its actions did there. */
  compare(batchId: string, done: NodeProgress & { state: "done" }): void {
    const stamps = this.stamps(done.node);
    const found = nodeResults(done);
    for (const { check, outcome, action } of found.state === "done" ? found.results : []) {
      const { starts, ends } = stamps.get(`${batchId} ${check}`) ?? { starts: 0, ends: 0 };
      if (check !== PASSING) {
        this.#ends.set(`${batchId} ${check} ${done.node}`, action?.end.type ?? outcome.status);
      }
      const [least, most, leastEnds] = expectedStarts(outcome.status, action);
      if (starts < least || starts > most || ends < leastEnds) {
        const reported = `${outcome.status}${action ? `, action ${action.end.type}` : ""}`;
        this.violations.push(
          `${batchId} ${check} on ${done.node}: reported as ${reported}, started ${starts}×, ended ${ends}×`,
        );
      }
    }
  }

  /** Number of actions by how they ended; `skipped` ones never started. */
  get counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const end of this.#ends.values()) counts[end] = (counts[end] ?? 0) + 1;
    return counts;
  }

  /** Checks that no action ran twice, whether its batch is known or not. */
  compareAll(nodes: readonly string[]): void {
    for (const node of nodes) {
      for (const [key, { starts, ends }] of this.stamps(node)) {
        if (starts > 1 || ends > 1) {
          this.violations.push(`${key} on ${node}: started ${starts}×, ended ${ends}×`);
        }
      }
    }
  }

  /** Returns the stamps of one node, by batch and check. */
  stamps(node: string): ReadonlyMap<string, Readonly<Stamps>> {
    const stamps = new Map<string, Stamps>();
    for (const line of readLines(join(this.#directory, `stamps-${node}`))) {
      const [batch, check, when] = line.split(" ");
      const key = `${batch} ${check}`;
      const seen = stamps.get(key) ?? { starts: 0, ends: 0 };
      stamps.set(key, seen);
      if (when === "start") seen.starts++;
      else seen.ends++;
    }
    return stamps;
  }
}

/** Returns the bounds of an action's starts, and the minimum of its ends, for a result. */
function expectedStarts(
  status: string,
  action: ActionResult | undefined,
): [least: number, most: number, leastEnds: number] {
  if (action === undefined || status !== "fail") return [0, 0, 0];
  if (action.end.type === "exited") return [1, 1, 1];
  // The node may have crashed after it recorded the start and before it started the action.
  if (action.end.type === "interrupted") return [0, 1, 0];
  return [0, 0, 0];
}

function readLines(path: string): string[] {
  try {
    return Deno.readTextFileSync(path).split("\n").slice(0, -1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
