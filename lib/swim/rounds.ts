/**
 * What a membership machine does again and again, and how often.
 * @module
 */
import { pushPullScale, type SwimSettings } from "./config.ts";

/** Its rounds, in the order in which they are started. */
export const ROUNDS = ["probe", "gossip", "push_pull", "reconnect", "reap"] as const;
/** One of `ROUNDS`. */
export type Round = typeof ROUNDS[number];

/** How often who is long gone is looked for. */
const REAP_INTERVAL_MS = 5_000;

/** Milliseconds between two of these rounds in a cluster of `members`. */
export function roundMs(
  round: Round,
  { settings, members }: { readonly settings: SwimSettings; readonly members: number },
): number {
  switch (round) {
    case "probe":
      return settings.probeIntervalMs;
    case "gossip":
      return settings.gossipIntervalMs;
    case "push_pull":
      return pushPullScale(settings.pushPullIntervalMs, members);
    case "reconnect":
      return settings.reconnectIntervalMs;
    case "reap":
      return REAP_INTERVAL_MS;
    default:
      return round satisfies never;
  }
}
