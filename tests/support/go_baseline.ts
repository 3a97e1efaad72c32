/**
 * How often bare memberlist nodes hold a live one failed under packet loss: the figure that ours
 * are compared with, taken on the same machine.
 * @module
 */
import { GoPeer } from "./go_peer.ts";
import { eventually } from "./process.ts";
import type { TestNetwork } from "./namespaces.ts";

/** What a stretch of loss did to live members. */
export interface FalseFailures {
  /** How often a node's own suspicion of a live member ran out. */
  readonly declared: number;
  /** How often a node took a live member for failed, its own declarations and hearsay alike. */
  readonly believed: number;
}

/** How many hold `failed` of members that live, among the reports from `since` on. */
export function countFalseFailures(
  peers: readonly GoPeer[],
  since: ReadonlyMap<GoPeer, number>,
): FalseFailures {
  const reports = peers.flatMap((peer) => peer.events.all.slice(since.get(peer)));
  return {
    declared: reports.filter((report) => report.event === "declared").length,
    believed: reports.filter((report) => report.event === "failed").length,
  };
}

/** Where each node's reports end now. */
export function reportsUntilNow(peers: readonly GoPeer[]): ReadonlyMap<GoPeer, number> {
  return new Map(peers.map((peer) => [peer, peer.events.all.length]));
}

/** Starts `count` bare Go nodes, one a host from `firstHost` on, all joined through `join` or the first. */
export async function startGoNodes(options: {
  readonly network: TestNetwork;
  readonly program: string;
  readonly count: number;
  readonly firstHost?: number;
  readonly stack: AsyncDisposableStack;
}): Promise<GoPeer[]> {
  const { network, program, count, firstHost = 0, stack } = options;
  const peers: GoPeer[] = [];
  for (let index = 0; index < count; index++) {
    const host = network.host(firstHost + index);
    const peer = await GoPeer.start({
      program,
      name: `go-${index}`,
      bind: `${host.address}:7946`,
      wrap: (line) => network.on(host, line),
      ...(peers[0] === undefined ? {} : { join: [peers[0].address] }),
    });
    peers.push(stack.use(peer));
  }
  return peers;
}

/** Waits until every node holds exactly the members `names` alive. */
export async function untilAllSee(
  peers: readonly GoPeer[],
  options: { readonly names: readonly string[]; readonly timeoutMs: number },
): Promise<void> {
  const expected = options.names.toSorted().join(" ");
  for (const peer of peers) {
    await eventually(async () => {
      const alive = [...await peer.members()].filter(([, member]) => member.state === "alive");
      const seen = alive.map(([name]) => name).sort().join(" ");
      if (seen !== expected) throw new Error(`${peer.name} sees ${seen}, not ${expected}`);
    }, { timeoutMs: options.timeoutMs });
  }
}
