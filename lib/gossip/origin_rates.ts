/**
 * Limits the batches that each origin may send in a second, with a token bucket for each origin.
 * Receivers allow twice the origin's own rate, to absorb bursts.
 * @module
 */
import type { Clock } from "../runtime.ts";
import type { GossipSettings } from "./settings.ts";
import type { PeerView } from "./types.ts";

/** Receivers allow this many times the rate that an origin keeps to. */
const ALLOWANCE = 2;
/** Origins that are not members share one bucket, or each invented name would have its own. */
const STRANGERS = "";

/** The tokens that were left at a time. */
interface Bucket {
  tokens: number;
  atMs: number;
}

/** What an `OriginRates` is made of. */
export interface OriginRatesOptions {
  /** The rate and the burst. */
  readonly settings: GossipSettings;
  /** The membership. */
  readonly peers: PeerView;
  /** The clock. */
  readonly clock: Clock;
}

/** The buckets of one node; a bucket that is full again is removed. */
export class OriginRates {
  readonly #options: OriginRatesOptions;
  readonly #own: Bucket;
  readonly #others = new Map<string, Bucket>();
  #sweptAtMs: number;

  /** All buckets are full. */
  constructor(options: OriginRatesOptions) {
    this.#options = options;
    const atMs = options.clock.nowMs();
    this.#own = { tokens: options.settings.originBurst, atMs };
    this.#sweptAtMs = atMs;
  }

  /** Whether this node must not issue a batch now. */
  get busy(): boolean {
    this.#fill(this.#own, 1);
    return this.#own.tokens < 1;
  }

  /** To be called when this node has issued a batch. */
  issued(): void {
    this.#fill(this.#own, 1);
    this.#own.tokens--;
  }

  /** Counts a batch of another origin. Returns why it is refused, if too many came. */
  refusal(origin: string): string | undefined {
    const { peers, settings } = this.#options;
    this.#sweep();
    const name = peers.peer(origin) === undefined ? STRANGERS : origin;
    const bucket = this.#others.get(name) ?? { tokens: this.#burst, atMs: this.#nowMs };
    this.#others.set(name, bucket);
    this.#fill(bucket, ALLOWANCE);
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      return undefined;
    }
    const perSecond = ALLOWANCE * settings.originBatchesPerSecond;
    const who = name === STRANGERS ? "origins that are no members send" : `"${origin}" sends`;
    return `${who} more than ${perSecond} batches a second`;
  }

  get #nowMs(): number {
    return this.#options.clock.nowMs();
  }

  /** A node that was away fetches all batches that are remembered at once. */
  get #burst(): number {
    const { originBurst, maxBatches } = this.#options.settings;
    return Math.max(ALLOWANCE * originBurst, maxBatches);
  }

  #fill(bucket: Bucket, allowance: number): void {
    const nowMs = this.#nowMs;
    const { originBatchesPerSecond, originBurst } = this.#options.settings;
    const most = allowance === 1 ? originBurst : this.#burst;
    const came = (nowMs - bucket.atMs) / 1_000 * originBatchesPerSecond * allowance;
    bucket.tokens = Math.min(most, bucket.tokens + came);
    bucket.atMs = nowMs;
  }

  /** Removes buckets that are full again, once in the time that it takes to fill one. */
  #sweep(): void {
    const { originBatchesPerSecond } = this.#options.settings;
    const fullMs = this.#burst / (ALLOWANCE * originBatchesPerSecond) * 1_000;
    if (this.#nowMs - this.#sweptAtMs < fullMs) return;
    this.#sweptAtMs = this.#nowMs;
    for (const [name, bucket] of this.#others) {
      this.#fill(bucket, ALLOWANCE);
      if (bucket.tokens >= this.#burst) this.#others.delete(name);
    }
  }
}
