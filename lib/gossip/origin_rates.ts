/**
 * How many batches one origin may have a second: a token bucket for each. An origin keeps to half of
 * what the others let in, so that what it let go is let in however bunched it comes.
 * @module
 */
import type { Clock } from "../runtime.ts";
import type { GossipSettings } from "./settings.ts";
import type { PeerView } from "./types.ts";

/** How much more others let in than an origin lets go. */
const ALLOWANCE = 2;
/** Names that nobody knows as members share one bucket, or names made up would have one each. */
const STRANGERS = "";

/** What may still come, as of a time. */
interface Bucket {
  tokens: number;
  atMs: number;
}

/** What it is made with. */
export interface OriginRatesOptions {
  /** For the rate. */
  readonly settings: GossipSettings;
  /** Who is there. */
  readonly peers: PeerView;
  /** The time. */
  readonly clock: Clock;
}

/** The buckets of one node; those that are full again are not kept. */
export class OriginRates {
  readonly #options: OriginRatesOptions;
  readonly #own: Bucket;
  readonly #others = new Map<string, Bucket>();
  #sweptAtMs: number;

  /** All are full. */
  constructor(options: OriginRatesOptions) {
    this.#options = options;
    const atMs = options.clock.nowMs();
    this.#own = { tokens: options.settings.originBurst, atMs };
    this.#sweptAtMs = atMs;
  }

  /** Whether this node may issue no batch just now. */
  get busy(): boolean {
    this.#fill(this.#own, 1);
    return this.#own.tokens < 1;
  }

  /** This node has issued a batch. */
  issued(): void {
    this.#fill(this.#own, 1);
    this.#own.tokens--;
  }

  /** Counts a batch of another origin; why it is not let in, where too many came. */
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

  /** Whoever has been away fetches all that is remembered at once. */
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

  /** Now and then those that are full again are let go of. */
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
