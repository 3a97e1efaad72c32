/**
 * Counts how often nodes report a live member as failed, and compares the counts of two programs.
 * @module
 */
import { print } from "../../scripts/print.ts";
import type { ClusterNode, NodeEvent } from "./cluster_node.ts";

/** Failures of members that were alive all the time. */
export interface FalseFailures {
  /** How often a node's own suspicion of a live member timed out. */
  readonly declared: number;
  /** How often a node marked a live member as failed, whichever node declared it. */
  readonly believed: number;
}

/** Counts the false failures that nodes report from its creation on. */
export class FalseFailureCount {
  readonly #since: ReadonlyMap<ClusterNode, number>;

  /** Starts to count. */
  constructor(nodes: readonly ClusterNode[]) {
    this.#since = new Map(nodes.map((node) => [node, node.events.all.length]));
  }

  /** The false failures until now. */
  read(): FalseFailures {
    let [declared, believed] = [0, 0];
    for (const [node, since] of this.#since) {
      for (const event of node.events.all.slice(since)) {
        if (isDeclaration(event, node)) declared++;
        if (event.event === "failed") believed++;
      }
    }
    return { declared, believed };
  }
}

/** A bare memberlist node reports its own declarations separately; ours names the node that declared. */
function isDeclaration(event: NodeEvent, node: ClusterNode): boolean {
  return event.event === "declared" || (event.event === "failed" && event.by === node.name);
}

/** Prints the false failures of each group of nodes under `percent` % loss. */
export function printFalseFailures(
  percent: number,
  counts: Readonly<Record<string, FalseFailures>>,
): void {
  print(`    ${percent} % loss, live members declared failed (marked as failed):`);
  for (const [group, { declared, believed }] of Object.entries(counts)) {
    print(`      by ${group}: ${declared} (${believed})`);
  }
}

/**
 * The probability that `ours` or more of all failures come from our nodes by chance, if every node
 * errs equally often and `share` of all nodes are ours: the upper tail of a binomial distribution.
 */
export function chanceOfAsMany(
  counts: { readonly ours: number; readonly others: number; readonly share: number },
): number {
  const { ours, others, share } = counts;
  const all = ours + others;
  let [chance, exactly] = [0, (1 - share) ** all];
  for (let some = 0; some <= all; some++) {
    if (some >= ours) chance += exactly;
    exactly *= ((all - some) / (some + 1)) * (share / (1 - share));
  }
  return chance;
}
