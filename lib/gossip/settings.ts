/**
 * Timings and bounds of dissemination, each with the trade-off of raising and lowering it.
 * @module
 */
import { HISTORY_MAX_BATCHES, HISTORY_MAX_IDS } from "../limits.ts";

/** The settings of the dissemination machine. */
export interface GossipSettings {
  /** Fan-out: peers contacted in a round. More: faster, and more copies. */
  readonly gossipGroup: number;
  /** Period of anti-entropy. Shorter: nodes that the burst missed learn sooner, more digests at rest. */
  readonly advertiseIntervalMs: number;
  /** A send fails after this. Longer: slow links succeed, a dead peer is replaced later. */
  readonly sendTimeoutMs: number;
  /** A run shorter than this reports `done` alone. */
  readonly runningAfterMs: number;
  /** A report or `start` without an answer is sent again after this, at first. */
  readonly confirmTimeoutMs: number;
  /** The longest delay between two attempts. */
  readonly retryMaxMs: number;
  /** A report that was not confirmed is given up after this. */
  readonly reportKeepMs: number;
  /** How often expired batches are looked for. */
  readonly expireIntervalMs: number;
  /** A batch that one member was asked for is not asked of another for this long. */
  readonly wantTimeoutMs: number;
  /** After a restart, a member that the membership does not learn of in this time is `unreached`. */
  readonly unknownMemberMs: number;
  /** Bound on remembered ids. */
  readonly maxIds: number;
  /** Bound on whole batches. */
  readonly maxBatches: number;
  /** Bound on the bytes of whole batches. */
  readonly maxBatchBytes: number;
  /** Bound on batches whose results are held as origin. */
  readonly maxCollections: number;
  /** Bound on the bytes of results held as origin. */
  readonly maxCollectedBytes: number;
  /** Bound on reports waiting for confirmation. */
  readonly maxReports: number;
  /** Bound on their bytes. */
  readonly maxReportBytes: number;
  /** `submit` raises `BusyError` while this many batches of the last minute have not settled. */
  readonly maxUnsettled: number;
  /** Batches that this node issues in a second; it accepts twice as many from each other origin. */
  readonly originBatchesPerSecond: number;
  /** Batches that may be issued at once after a pause. */
  readonly originBurst: number;
  /** Sends under way at once, to all. */
  readonly maxSends: number;
  /** Sends under way at once, to one peer. */
  readonly maxSendsPerPeer: number;
  /** Bytes of the sends under way at once, to all: each is encrypted by itself. */
  readonly maxSendBytes: number;
  /** Bytes of the sends under way at once, to one peer. */
  readonly maxSendBytesPerPeer: number;
  /** Sends that wait for their turn, in all. */
  readonly maxQueuedSends: number;
  /** Bytes of the sends that wait, in all. */
  readonly maxQueuedBytes: number;
}

/** One mebibyte. */
const MIB = 1024 * 1024;

/** For a network of one site; suits several sites too, where only the first answers take longer. */
export const DEFAULT_GOSSIP_SETTINGS: GossipSettings = {
  gossipGroup: 5,
  advertiseIntervalMs: 20_000,
  sendTimeoutMs: 10_000,
  runningAfterMs: 250,
  confirmTimeoutMs: 2_000,
  retryMaxMs: 60_000,
  reportKeepMs: 24 * 3_600_000,
  expireIntervalMs: 10_000,
  wantTimeoutMs: 5_000,
  unknownMemberMs: 120_000,
  maxIds: HISTORY_MAX_IDS,
  maxBatches: HISTORY_MAX_BATCHES,
  maxBatchBytes: 256 * MIB,
  maxCollections: HISTORY_MAX_BATCHES,
  maxCollectedBytes: 256 * MIB,
  maxReports: 10_000,
  maxReportBytes: 128 * MIB,
  maxUnsettled: 1_000,
  originBatchesPerSecond: 100,
  originBurst: 1_000,
  maxSends: 512,
  maxSendsPerPeer: 16,
  maxSendBytes: 128 * MIB,
  maxSendBytesPerPeer: 8 * MIB,
  maxQueuedSends: 20_000,
  maxQueuedBytes: 128 * MIB,
};
