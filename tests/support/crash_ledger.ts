/**
 * What actions left on the disk and what origins have shown, and what the two must have in common
 * however often nodes die.
 * @module
 */
import { join } from "@std/path";
import type { ActionResult, Check, CheckResult } from "../../lib/checks/check.ts";
import type { NodeProgress } from "../../lib/client/protocol.ts";

/** How a batch's actions look. */
export interface StampingChecks {
  /** Checks whose actions leave a stamp at their start and at their end. */
  readonly actions: number;
  /** How long each action takes. */
  readonly actionMs: number;
}

/** The one check without an action. */
const PASSING = "passes";

interface Stamps {
  starts: number;
  ends: number;
}

/** Follows batches over the lives of a cluster. */
export class CrashLedger {
  readonly #directory: string;
  /** The outcomes that an origin has shown or a node was confirmed, by batch and node. */
  readonly #shown = new Map<string, Map<string, string>>();
  /** The batches that an origin has said to have taken. */
  readonly #accepted = new Set<string>();
  readonly #ends = new Map<string, string>();
  /** What was found wrong so far. */
  readonly violations: string[] = [];

  /** Keeps its stamps in `directory`, a file a node. */
  constructor(options: { directory: string }) {
    this.#directory = options.directory;
  }

  /** Checks that fail everywhere and whose actions stamp, and one that passes. */
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

  /** Takes the origin's word that it has a batch: it knows the batch for ever. */
  accepted(batchId: string): void {
    this.#accepted.add(batchId);
  }

  /** Takes what an origin shows of a batch: what it has shown once as done it shows for ever. */
  shows(batchId: string, progress: ReadonlyMap<string, NodeProgress> | undefined): void {
    if (progress === undefined && this.#accepted.has(batchId)) {
      this.violations.push(`${batchId}: its origin, who had taken it, does not know it`);
    }
    for (const [node, was] of this.#shown.get(batchId) ?? []) {
      const state = progress?.get(node)?.state;
      if (state === "done") continue;
      this.violations.push(`${batchId} ${node}: shown as ${was}, now as ${state}`);
    }
    for (const each of progress?.values() ?? []) {
      if (each.state === "done") this.confirmed(batchId, each);
    }
  }

  /** Takes a result that was confirmed or shown: it is the only one that there will ever be. */
  confirmed(
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

  /** Compares a batch's results on one node with what its actions did there. */
  compare(batchId: string, done: NodeProgress & { state: "done" }): void {
    const stamps = this.stamps(done.node);
    for (const { check, outcome, action } of done.results) {
      const { starts, ends } = stamps.get(`${batchId} ${check}`) ?? { starts: 0, ends: 0 };
      if (check !== PASSING) {
        this.#ends.set(`${batchId} ${check} ${done.node}`, action?.end.type ?? outcome.status);
      }
      const [least, most, leastEnds] = expectedStarts(outcome.status, action);
      if (starts < least || starts > most || ends < leastEnds) {
        const told = `${outcome.status}${action ? `, action ${action.end.type}` : ""}`;
        this.violations.push(
          `${batchId} ${check} on ${done.node}: told as ${told}, started ${starts}×, ended ${ends}×`,
        );
      }
    }
  }

  /** How many actions ended in which way, `skipped` and the like being those that never started. */
  get counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const end of this.#ends.values()) counts[end] = (counts[end] ?? 0) + 1;
    return counts;
  }

  /** No action anywhere ran twice, whether anybody knows its batch or not. */
  compareAll(nodes: readonly string[]): void {
    for (const node of nodes) {
      for (const [key, { starts, ends }] of this.stamps(node)) {
        if (starts > 1 || ends > 1) {
          this.violations.push(`${key} on ${node}: started ${starts}×, ended ${ends}×`);
        }
      }
    }
  }

  /** The stamps of one node, by batch and check. */
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

/** How often an action may have started, at least and at most, and ended at least, by its result. */
function expectedStarts(
  status: string,
  action: ActionResult | undefined,
): [least: number, most: number, leastEnds: number] {
  if (action === undefined || status !== "fail") return [0, 0, 0];
  if (action.end.type === "exited") return [1, 1, 1];
  // The node may have died between its note that the action starts and the start.
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
