/**
 * Every timing of the membership machine with its unit and trade-off, the presets, and the formulas
 * that scale them. The names and the LAN, WAN and local values are those of memberlist's `config.go`
 * unless a comment says otherwise.
 * @module
 */
import { UsageError } from "../errors.ts";

/** What one membership machine is tuned by. All times are in milliseconds. */
export interface SwimSettings {
  /** Between two probes. Lower finds failures sooner and costs packets. 10 to 3,600,000. */
  readonly probeIntervalMs: number;
  /** How long a direct ack may take: the 99th percentile of the round trip. Too low costs indirect probes. */
  readonly probeTimeoutMs: number;
  /** Members asked to probe in our stead. More survive more loss and cost packets on each failure. 0 to 32. */
  readonly indirectChecks: number;
  /** Whether a failed ping is tried over TCP. Off where TCP between members is filtered on purpose. */
  readonly tcpPings: boolean;
  /** Every how many probes TCP is tried without need, so that a member without it is noticed; 0 for never. */
  readonly tcpCheckEvery: number;
  /** How far bad local health stretches the probe interval. 1 switches awareness off. 1 to 100. */
  readonly awarenessMaxMultiplier: number;
  /** Factor of `suspicionTimeoutMs`. Higher gives a suspect more time and finds failures later. 1 to 100. */
  readonly suspicionMult: number;
  /** How many times longer a suspicion lasts that nobody confirms. 1 to 100. */
  readonly suspicionMaxTimeoutMult: number;
  /** Factor of `retransmitLimit`. Higher reaches more members and costs bytes. 1 to 100. */
  readonly retransmitMult: number;
  /** Between two rounds of gossip. Lower spreads news faster and costs packets. */
  readonly gossipIntervalMs: number;
  /** Members told in each round. 1 to 32. */
  readonly gossipNodes: number;
  /** How long a failed member is still gossiped to and offered in a push/pull, so that it can refute. */
  readonly gossipToTheDeadMs: number;
  /** Between two full state exchanges, before `pushPullScale`. Lower converges sooner and costs bytes. */
  readonly pushPullIntervalMs: number;
  /** How long connecting to, or one exchange with, a member may take (`TCPTimeout`). */
  readonly streamTimeoutMs: number;
  /** After this a failed member's name may be taken by another address. Serf's and Consul's 30 s. */
  readonly deadNodeReclaimMs: number;
  /** Between two tries to reach a failed member again, so that a healed partition closes. Ours: half of Serf's. */
  readonly reconnectIntervalMs: number;
  /** After this a failed member is forgotten (Serf's `ReconnectTimeout`). */
  readonly failedKeptMs: number;
  /** After this a member that left is forgotten (Serf's `TombstoneTimeout`). */
  readonly leftKeptMs: number;
  /** Failed and left members kept at most, oldest forgotten first: what bounds memory under churn. */
  readonly goneKeptMax: number;
  /** Members in all; an `alive` past it is dropped. */
  readonly membersMax: number;
  /** Longest pause between two tries to join. */
  readonly joinRetryMaxMs: number;
  /** Part of each packet's piggyback that application payloads are sure of. 0 to 1. */
  readonly applicationShare: number;
  /** Lowest delegate version that we take part in; with 0 bare memberlist nodes accept us. */
  readonly delegateMin: number;
  /** Highest delegate version that we take part in; Serf v0.11 speaks 2 to 5. */
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
  goneKeptMax: 4_096,
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

/** Lowest and highest value of each number; what is not listed may be anything from 1 up. */
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

/** Raises `UsageError` that names each field out of range, or both fields that do not go together. */
export function validateSettings(settings: SwimSettings): void {
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value !== "number") continue;
    const [low, high] = RANGES[name as keyof SwimSettings] ?? [1, Infinity];
    if (!(value >= low && value <= high)) {
      throw new UsageError(`${name} is ${value}; give a number from ${low} to ${high}`);
    }
  }
  if (settings.probeTimeoutMs > settings.probeIntervalMs) {
    throw new UsageError(
      `probeTimeoutMs (${settings.probeTimeoutMs}) is above probeIntervalMs ` +
        `(${settings.probeIntervalMs}); a probe has to end before the next, lower it`,
    );
  }
  if (settings.delegateMin > settings.delegateMax) {
    throw new UsageError(
      `delegateMin (${settings.delegateMin}) is above delegateMax (${settings.delegateMax}); lower it`,
    );
  }
}

/** What the suspicion time depends on. */
export interface SuspicionTimeoutInput {
  /** `SwimSettings.suspicionMult`. */
  readonly mult: number;
  /** Members in the cluster, this node included. */
  readonly members: number;
  /** `SwimSettings.probeIntervalMs`. */
  readonly intervalMs: number;
}

/** How long a fully confirmed suspicion lasts: `suspicionTimeout` in memberlist's `util.go`. */
export function suspicionTimeoutMs(input: SuspicionTimeoutInput): number {
  const scale = Math.max(1, Math.log10(Math.max(1, input.members)));
  return Math.floor(input.mult * Math.trunc(scale * 1000) * input.intervalMs / 1000);
}

/** How often one piece of news is sent: `retransmitLimit` in memberlist's `util.go`. */
export function retransmitLimit(mult: number, members: number): number {
  return mult * Math.ceil(Math.log10(members + 1));
}

/** Members past which push/pull gets rarer (`pushPullScaleThreshold`). */
const PUSH_PULL_SCALE_THRESHOLD = 32;

/** The push/pull interval for a cluster's size: `pushPullScale` in memberlist's `util.go`. */
export function pushPullScale(intervalMs: number, members: number): number {
  if (members <= PUSH_PULL_SCALE_THRESHOLD) return intervalMs;
  return intervalMs *
    (Math.ceil(Math.log2(members) - Math.log2(PUSH_PULL_SCALE_THRESHOLD)) + 1);
}

/** Confirmations that drive a suspicion to its shortest: `k` in memberlist's `suspectNode`. */
export function wantedConfirmations(suspicionMult: number, members: number): number {
  const wanted = suspicionMult - 2;
  // Too few others to ask: then none is expected. The suspect and this node do not count.
  return members - 2 < wanted ? 0 : Math.max(0, wanted);
}

/** What is left of a suspicion. */
export interface SuspicionRemainder {
  /** Confirmations so far. */
  readonly confirmations: number;
  /** Confirmations wanted, `wantedConfirmations`. */
  readonly wanted: number;
  /** Shortest duration. */
  readonly minMs: number;
  /** Longest duration. */
  readonly maxMs: number;
}

/**
 * How long a suspicion lasts from its start, by its confirmations: Lifeguard section IV-B, and
 * `remainingSuspicionTime` in memberlist's `suspicion.go`.
 */
export function suspicionDurationMs(input: SuspicionRemainder): number {
  if (input.wanted < 1) return input.minMs;
  const fraction = Math.log(input.confirmations + 1) / Math.log(input.wanted + 1);
  const raw = input.maxMs - fraction * (input.maxMs - input.minMs);
  return Math.max(input.minMs, Math.floor(raw));
}

/** A delay up to a quarter away from `delayMs` on either side, so that nodes do not act in step. */
export function withJitter(delayMs: number, chance: number): number {
  return delayMs * (0.75 + chance / 2);
}

/** The pause before try number `attempt` (from 0) to join: doubling from one second to the bound. */
export function joinRetryMs(attempt: number, maxMs: number): number {
  return Math.min(maxMs, 1_000 * 2 ** Math.min(attempt, 20));
}
