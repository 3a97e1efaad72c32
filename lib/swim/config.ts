/**
 * Settings of the membership machine: timings, limits, presets, and the formulas that scale them with
 * the cluster. Names and the values for LAN, WAN and one machine are those of memberlist's
 * `config.go` unless a comment says otherwise.
 * @module
 */
import { UsageError } from "../errors.ts";

/** Settings of one membership machine. All times are in milliseconds. */
export interface SwimSettings {
  /** Time between two probes. Lower detects failures sooner, for more packets. 10 to 3,600,000. */
  readonly probeIntervalMs: number;
  /**
   * Time for a direct ack: the 99th percentile of the round-trip time. Lower sends more indirect
   * pings. At most `probeIntervalMs`.
   */
  readonly probeTimeoutMs: number;
  /** Members that get an indirect ping. Higher tolerates more loss, for more packets. 0 to 32. */
  readonly indirectChecks: number;
  /** Whether a member that does not ack is also pinged over TCP. Disable it if TCP is filtered. */
  readonly tcpPings: boolean;
  /** Every this many probes the member is also pinged over TCP, to detect members without TCP; 0 for never. */
  readonly tcpCheckEvery: number;
  /** Maximum factor by which bad local health stretches the probe interval. 1 disables it. 1 to 100. */
  readonly awarenessMaxMultiplier: number;
  /** Factor of `suspicionTimeoutMs`. Higher gives suspects more time and detects failures later. 1 to 100. */
  readonly suspicionMult: number;
  /** Maximum suspicion timeout, as a multiple of the minimum: that of an unconfirmed suspicion. 1 to 100. */
  readonly suspicionMaxTimeoutMult: number;
  /** Factor of `retransmitLimit`. Higher reaches members under more loss, for more bytes. 1 to 100. */
  readonly retransmitMult: number;
  /** Time between two rounds of gossip. Lower spreads broadcasts faster, for more packets. */
  readonly gossipIntervalMs: number;
  /** Fan-out: members that get broadcasts in each round of gossip. 1 to 32. */
  readonly gossipNodes: number;
  /** How long a failed member is still gossiped to and included in push/pulls, so that it can refute. */
  readonly gossipToTheDeadMs: number;
  /** Time between two push/pulls, before `pushPullScale`. Lower converges sooner, for more bytes. */
  readonly pushPullIntervalMs: number;
  /** Timeout of a connection attempt and of an exchange over TCP (`TCPTimeout`). */
  readonly streamTimeoutMs: number;
  /** After this another address may take the name of a failed member. 30 s, as in Serf and Consul. */
  readonly deadNodeReclaimMs: number;
  /** Time between two attempts to reach a failed member, to heal partitions. Half of Serf's value. */
  readonly reconnectIntervalMs: number;
  /** After this a failed member is removed (Serf's `ReconnectTimeout`). */
  readonly failedKeptMs: number;
  /** After this a member that left is removed (Serf's `TombstoneTimeout`). */
  readonly leftKeptMs: number;
  /** Maximum number of failed and left members; the oldest is evicted. Bounds memory under churn. */
  readonly deadOrLeftMax: number;
  /** Maximum number of members in any state; further new members are dropped. */
  readonly membersMax: number;
  /** Maximum delay between two attempts to join. */
  readonly joinRetryMaxMs: number;
  /** Share of each packet that is reserved for application messages. 0 to 1. */
  readonly applicationShare: number;
  /** Lowest delegate version of this node. 0 is accepted by memberlist nodes without a delegate. */
  readonly delegateMin: number;
  /** Highest delegate version of this node. Serf v0.11 speaks 2 to 5. */
  readonly delegateMax: number;
}

/** memberlist's `DefaultLANConfig`. */
export const LAN_SETTINGS: SwimSettings = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  indirectChecks: 3,
  tcpPings: true,
  tcpCheckEvery: 10,
  awarenessMaxMultiplier: 8,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  retransmitMult: 4,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadMs: 30_000,
  pushPullIntervalMs: 30_000,
  streamTimeoutMs: 10_000,
  deadNodeReclaimMs: 30_000,
  reconnectIntervalMs: 15_000,
  failedKeptMs: 24 * 3_600_000,
  leftKeptMs: 24 * 3_600_000,
  deadOrLeftMax: 4_096,
  membersMax: 100_000,
  joinRetryMaxMs: 30_000,
  applicationShare: 0.25,
  delegateMin: 0,
  delegateMax: 5,
};

/** memberlist's `DefaultWANConfig`. */
export const WAN_SETTINGS: SwimSettings = {
  ...LAN_SETTINGS,
  streamTimeoutMs: 30_000,
  suspicionMult: 6,
  pushPullIntervalMs: 60_000,
  probeTimeoutMs: 3_000,
  probeIntervalMs: 5_000,
  gossipNodes: 4,
  gossipIntervalMs: 500,
  gossipToTheDeadMs: 60_000,
  reconnectIntervalMs: 30_000,
};

/** memberlist's `DefaultLocalConfig`. */
export const LOCAL_SETTINGS: SwimSettings = {
  ...LAN_SETTINGS,
  streamTimeoutMs: 1_000,
  indirectChecks: 1,
  retransmitMult: 2,
  suspicionMult: 3,
  pushPullIntervalMs: 15_000,
  probeTimeoutMs: 200,
  gossipIntervalMs: 100,
  gossipToTheDeadMs: 15_000,
};

/** Minimum and maximum of each number; the default is 1 to infinity. */
const RANGES: Partial<Record<keyof SwimSettings, readonly [number, number]>> = {
  probeIntervalMs: [10, 3_600_000],
  indirectChecks: [0, 32],
  tcpCheckEvery: [0, 1_000_000],
  awarenessMaxMultiplier: [1, 100],
  suspicionMult: [1, 100],
  suspicionMaxTimeoutMult: [1, 100],
  retransmitMult: [1, 100],
  gossipNodes: [1, 32],
  gossipToTheDeadMs: [0, Infinity],
  deadNodeReclaimMs: [0, Infinity],
  applicationShare: [0, 1],
  delegateMin: [0, 255],
  delegateMax: [0, 255],
};

/** Raises `UsageError` if a setting is out of range or if two settings contradict each other. */
export function validateSettings(settings: SwimSettings): void {
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value !== "number") continue;
    const [low, high] = RANGES[name as keyof SwimSettings] ?? [1, Infinity];
    if (!(value >= low && value <= high)) {
      throw new UsageError(`${name} is ${value}; expected a number from ${low} to ${high}`);
    }
  }
  if (settings.probeTimeoutMs > settings.probeIntervalMs) {
    throw new UsageError(
      `probeTimeoutMs (${settings.probeTimeoutMs}) is above probeIntervalMs ` +
        `(${settings.probeIntervalMs}); lower it`,
    );
  }
  if (settings.delegateMin > settings.delegateMax) {
    throw new UsageError(
      `delegateMin (${settings.delegateMin}) is above delegateMax (${settings.delegateMax}); lower it`,
    );
  }
}

/** Input of `suspicionTimeoutMs`. */
export interface SuspicionTimeoutInput {
  /** `SwimSettings.suspicionMult`. */
  readonly mult: number;
  /** Members in the cluster, this node included. */
  readonly members: number;
  /** `SwimSettings.probeIntervalMs`. */
  readonly intervalMs: number;
}

/** Minimum suspicion timeout, that of a fully confirmed suspicion: `suspicionTimeout` in memberlist's `util.go`. */
export function suspicionTimeoutMs(input: SuspicionTimeoutInput): number {
  const scale = Math.max(1, Math.log10(Math.max(1, input.members)));
  return Math.floor(input.mult * Math.trunc(scale * 1000) * input.intervalMs / 1000);
}

/** Number of transmissions of a broadcast: `retransmitLimit` in memberlist's `util.go`. */
export function retransmitLimit(mult: number, members: number): number {
  return mult * Math.ceil(Math.log10(members + 1));
}

/** In larger clusters the push/pull interval grows (`pushPullScaleThreshold`). */
const PUSH_PULL_SCALE_THRESHOLD = 32;

/** Push/pull interval for a cluster of `members`: `pushPullScale` in memberlist's `util.go`. */
export function pushPullScale(intervalMs: number, members: number): number {
  if (members <= PUSH_PULL_SCALE_THRESHOLD) return intervalMs;
  return intervalMs *
    (Math.ceil(Math.log2(members) - Math.log2(PUSH_PULL_SCALE_THRESHOLD)) + 1);
}

/** Confirmations that shorten a suspicion to its minimum timeout: `k` in memberlist's `suspectNode`. */
export function wantedConfirmations(suspicionMult: number, members: number): number {
  const wanted = suspicionMult - 2;
  // The suspect and this node cannot confirm. If too few others remain, none is expected.
  return members - 2 < wanted ? 0 : Math.max(0, wanted);
}

/** Input of `suspicionDurationMs`. */
export interface SuspicionDurationInput {
  /** Confirmations so far. */
  readonly confirmations: number;
  /** Result of `wantedConfirmations`. */
  readonly wanted: number;
  /** Timeout of a fully confirmed suspicion. */
  readonly minMs: number;
  /** Timeout of an unconfirmed suspicion. */
  readonly maxMs: number;
}

/**
 * Suspicion timeout, counted from the start of the suspicion, by number of confirmations: Lifeguard
 * section IV-B, and `remainingSuspicionTime` in memberlist's `suspicion.go`.
 */
export function suspicionDurationMs(input: SuspicionDurationInput): number {
  if (input.wanted < 1) return input.minMs;
  const fraction = Math.log(input.confirmations + 1) / Math.log(input.wanted + 1);
  const raw = input.maxMs - fraction * (input.maxMs - input.minMs);
  return Math.max(input.minMs, Math.floor(raw));
}
