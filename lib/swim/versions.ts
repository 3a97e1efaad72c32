/**
 * Protocol and delegate versions: those of this node, which of other nodes are compatible, and which
 * delegate version to adopt so that a cluster with a delegate on top of memberlist (Serf) accepts
 * this node.
 * @module
 */
import type { NodeState, Versions } from "../wire/messages.ts";

/** Protocol versions of this node: memberlist's `ProtocolVersionMin`, `ProtocolVersionMax` and `ProtocolVersion2Compatible`. */
export const PROTOCOL_VERSIONS = { min: 1, max: 5, current: 2 } as const;

/** A node whose versions are compared. */
export interface VersionedNode {
  readonly name: string;
  readonly state: NodeState;
  readonly versions: Versions;
}

/** Whether an alive message with these versions is valid (memberlist's `aliveNode`). */
export function plausibleVersions([min, max]: Versions): boolean {
  return min > 0 && max > 0 && min <= max;
}

/** Whether a node accepts delegate version `current`; nodes that are not alive accept any. */
export function fits(
  current: number,
  { state, versions }: Pick<VersionedNode, "state" | "versions">,
): boolean {
  return state !== "alive" || within(current, [versions[3], versions[4]]);
}

/**
 * Returns the versions to adopt among `nodes`: the delegate version moves into the range that all
 * alive nodes support, to the one that most of them speak. Returns `own` if it already fits or if no
 * version fits all.
 */
export function adoptVersions(own: Versions, nodes: Iterable<VersionedNode>): Versions {
  const range = { low: own[3], high: own[4] };
  const spoken = new Map<number, number>();
  for (const { state, versions } of nodes) {
    if (state !== "alive") continue;
    range.low = Math.max(range.low, versions[3]);
    range.high = Math.min(range.high, versions[4]);
    spoken.set(versions[5], (spoken.get(versions[5]) ?? 0) + 1);
  }
  if (range.low > range.high || (own[5] >= range.low && own[5] <= range.high)) return own;
  let best = range.low;
  for (const [version, count] of spoken) {
    if (version < range.low || version > range.high) continue;
    if (count > (spoken.get(best) ?? 0)) best = version;
  }
  return [own[0], own[1], own[2], own[3], own[4], best];
}

/**
 * Describes the first of `nodes` that is incompatible with `own`; `undefined` if all are compatible.
 * Like memberlist's `verifyProtocol`, except that each node is compared with this node only: one
 * incompatible member must not keep all others from joining.
 */
export function incompatibility(own: Versions, nodes: Iterable<VersionedNode>): string | undefined {
  for (const { name, state, versions } of nodes) {
    if (state !== "alive" && state !== "suspect") continue;
    if (!within(versions[2], [own[0], own[1]]) || !within(own[2], [versions[0], versions[1]])) {
      return `${name} speaks protocol version ${versions[2]} (${versions[0]} to ${versions[1]}); ` +
        `this node speaks ${own[2]} (${own[0]} to ${own[1]})`;
    }
    if (!within(versions[5], [own[3], own[4]]) || !within(own[5], [versions[3], versions[4]])) {
      return `${name} speaks delegate version ${versions[5]} (${versions[3]} to ${versions[4]}); ` +
        `this node speaks ${own[5]} (${own[3]} to ${own[4]})`;
    }
  }
  return undefined;
}

function within(value: number, range: readonly [number, number]): boolean {
  return value >= range[0] && value <= range[1];
}
