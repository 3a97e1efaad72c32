/**
 * Protocol and delegate versions: what we offer, whom we can live with, and what we adopt so that
 * a cluster that runs something on top of memberlist (Serf) accepts us.
 * @module
 */
import type { NodeState, Versions } from "../wire/messages.ts";

/** memberlist's `ProtocolVersionMin`, `ProtocolVersionMax` and `ProtocolVersion2Compatible`. */
export const PROTOCOL_VERSIONS = { min: 1, max: 5, current: 2 } as const;

/** A node's part in the question whether all can understand each other. */
export interface VersionedNode {
  /** Its name, for the message. */
  readonly name: string;
  /** Only alive nodes have a say. */
  readonly state: NodeState;
  /** What it speaks. */
  readonly versions: Versions;
}

/** Whether an `alive` with these versions is to be taken at all (memberlist's `aliveNode`). */
export function plausibleVersions([min, max]: Versions): boolean {
  return min > 0 && max > 0 && min <= max;
}

/** Whether a node can live with our delegate version. */
export function fits(
  current: number,
  { state, versions }: Pick<VersionedNode, "state" | "versions">,
): boolean {
  return state !== "alive" || within(current, [versions[3], versions[4]]);
}

/**
 * Our own versions once `nodes` are in the cluster: the delegate version moves into the range that
 * the alive ones share, towards what most of them speak. Unchanged where it already fits or where
 * no version fits all.
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
 * The first of `nodes` that cannot live with us, in words; `undefined` where all can. After
 * memberlist's `verifyProtocol`, but by pairs: one odd member must not shut out all others.
 */
export function incompatibility(own: Versions, nodes: Iterable<VersionedNode>): string | undefined {
  for (const { name, state, versions } of nodes) {
    if (state !== "alive" && state !== "suspect") continue;
    if (!within(versions[2], [own[0], own[1]]) || !within(own[2], [versions[0], versions[1]])) {
      return `${name} speaks protocol version ${versions[2]} of ${versions[0]} to ${
        versions[1]
      }, ` +
        `we speak ${own[2]} of ${own[0]} to ${own[1]}`;
    }
    if (!within(versions[5], [own[3], own[4]]) || !within(own[5], [versions[3], versions[4]])) {
      return `${name} speaks delegate version ${versions[5]} of ${versions[3]} to ${
        versions[4]
      }, ` +
        `we speak ${own[5]} of ${own[3]} to ${own[4]}`;
    }
  }
  return undefined;
}

function within(value: number, range: readonly [number, number]): boolean {
  return value >= range[0] && value <= range[1];
}
