/**
 * How often live members are held failed under packet loss, by ours and by bare memberlist nodes.
 * @module
 */
import type { ClusterNode, NodeEvent } from "./cluster_node.ts";

/** What a stretch of time did to members that live all along. */
export interface FalseFailures {
  /** How often a node's own suspicion of a live member ran out. */
  readonly declared: number;
  /** How often a node took a live member for failed, whoever declared it. */
  readonly believed: number;
}

/** Counts the false failures that nodes report from the moment it is made. */
export class FalseFailureCount {
  readonly #since: ReadonlyMap<ClusterNode, number>;

  /** Begins now. */
  constructor(nodes: readonly ClusterNode[]) {
    this.#since = new Map(nodes.map((node) => [node, node.events.all.length]));
  }

  /** How many there were until now. */
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

/** A bare memberlist node reports its own declarations apart; ours says by whom each one is. */
function isDeclaration(event: NodeEvent, node: ClusterNode): boolean {
  return event.event === "declared" || (event.event === "failed" && event.by === node.name);
}

/**
 * How likely as many of all failures fall on ours, or more, by chance alone, where ours and the
 * others err alike and `share` of all nodes are ours: the upper tail of a binomial distribution.
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
