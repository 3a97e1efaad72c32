/**
 * The periodic tasks of a membership machine and their intervals.
 * @module
 */
import { pushPullScale, type SwimSettings } from "./config.ts";

/** The periodic tasks, in the order in which they are started. */
export const PERIODIC_TASKS = ["probe", "gossip", "push_pull", "reconnect", "reap"] as const;
/** One of `PERIODIC_TASKS`. */
export type PeriodicTask = typeof PERIODIC_TASKS[number];

const REAP_INTERVAL_MS = 5_000;

/** Interval of a task in milliseconds, in a cluster of `members`. */
export function taskIntervalMs(
  task: PeriodicTask,
  { settings, members }: { readonly settings: SwimSettings; readonly members: number },
): number {
  switch (task) {
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
      return task satisfies never;
  }
}
