/**
 * The burst: a message is pushed at once to a few random members, and each of them does the same. With
 * a fan-out of `f`, a share of about e^-f of the members is left to anti-entropy
 * (Kermarrec, Massoulié and Ganesh, "Probabilistic reliable dissemination", 2003).
 * @module
 */
import type { Peer } from "./types.ts";
import type { GossipContext } from "./context.ts";
import type { NodeReference } from "../address.ts";
import { draw } from "./sample.ts";

/** Random alive members that run gossipcheck, without the excluded ones. */
export function choosePeers(
  context: Pick<GossipContext, "peers" | "random">,
  options: { readonly count: number; readonly exclude: ReadonlySet<string> },
): Peer[] {
  const fit: Peer[] = [];
  for (const peer of context.peers.peers()) {
    if (peer.state === "alive" && peer.runsGossipcheck && !options.exclude.has(peer.name)) {
      fit.push(peer);
    }
  }
  return draw(fit, { count: options.count, random: context.random });
}

/**
 * Sends one encoded message to `gossipGroup` random members in parallel. If a send fails, another member
 * takes its place, `gossipGroup` times at most.
 */
export function burst(
  context: GossipContext,
  options: { readonly message: Uint8Array; readonly exclude: Iterable<string> },
): void {
  const tried = new Set([context.peers.self.name, ...options.exclude]);
  let spares = context.settings.gossipGroup;
  const push = (to: NodeReference): void => {
    tried.add(to.name);
    context.sends.send({ to, message: options.message, done: (ok) => ok || replace() });
  };
  const replace = (): void => {
    if (spares-- <= 0) return;
    choosePeers(context, { count: 1, exclude: tried }).forEach(push);
  };
  choosePeers(context, { count: context.settings.gossipGroup, exclude: tried }).forEach(push);
}
