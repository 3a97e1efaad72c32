/**
 * The ids of all batches that a node has accepted, so that none runs twice, and the newest batches
 * whole, for members that miss them. Both are bounded and evict the oldest.
 * @module
 */
import type { Clock } from "../runtime.ts";
import { type Batch, type BatchCopy, lifetimeMs } from "../batch/batch.ts";
import type { BatchId } from "../batch/id.ts";
import { SeenIds } from "./seen_ids.ts";

/** A batch that is remembered whole. */
export interface RememberedBatch {
  /** The batch. */
  readonly batch: Batch;
  /** When it was issued, by this node's monotonic clock. */
  readonly issuedAtLocalMs: number;
  /** When it expires, by the same clock. */
  readonly expiresAtLocalMs: number;
  /** Whether it was cancelled. */
  cancelled: boolean;
  /** Whether it was started here; false for a held batch that waits for `start`. */
  released: boolean;
}

/** What a `History` is made of. */
export interface HistoryOptions {
  /** Bound on ids. */
  readonly maxIds: number;
  /** Bound on whole batches. */
  readonly maxBatches: number;
  /** Bound on the bytes of whole batches. */
  readonly maxBytes: number;
  /** For ages. */
  readonly clock: Clock;
  /** For the ids' hash. */
  readonly seed: number;
}

/** What a batch takes in memory beside its content and signature, roughly. */
const BATCH_OVERHEAD_BYTES = 512;

/** The batches that one node remembers. */
export class History {
  readonly #options: HistoryOptions;
  readonly #seen: SeenIds;
  readonly #whole = new Map<BatchId, RememberedBatch>();
  #bytes = 0;

  /** Holds nothing yet. */
  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#seen = new SeenIds({ maxIds: options.maxIds, seed: options.seed });
  }

  /** How many ids are held. */
  get idCount(): number {
    return this.#seen.size;
  }
  /** How many batches are held whole. */
  get batchCount(): number {
    return this.#whole.size;
  }
  /** The bytes that they take. */
  get batchBytes(): number {
    return this.#bytes;
  }

  /**
   * Whether one more batch would evict one that is younger than `ageMs`: members that the burst missed
   * could not fetch that one any more.
   */
  isCrowded(ageMs: number): boolean {
    const { maxBatches, maxBytes } = this.#options;
    if (this.#whole.size < maxBatches && this.#bytes < maxBytes) return false;
    for (const oldest of this.#whole.values()) {
      return !this.#expired(oldest) && this.ageMs(oldest) < ageMs;
    }
    return false;
  }

  /** Whether the id was ever accepted here, as far as is remembered. */
  hasSeen(id: BatchId): boolean {
    return this.#whole.has(id) || this.#seen.has(id);
  }

  /** Remembers an id without its batch. */
  markSeen(id: BatchId): void {
    this.#seen.add(id);
  }

  /** Remembers a batch and its id; the oldest batches are evicted. */
  keep(copy: BatchCopy, flags: { cancelled: boolean; released: boolean }): RememberedBatch {
    const issuedAtLocalMs = this.#options.clock.nowMs() - copy.ageMs;
    const entry: RememberedBatch = {
      batch: copy.batch,
      issuedAtLocalMs,
      expiresAtLocalMs: issuedAtLocalMs + lifetimeMs(copy.batch),
      ...flags,
    };
    this.#seen.add(copy.batch.id);
    this.drop(copy.batch.id);
    this.#whole.set(copy.batch.id, entry);
    this.#bytes += batchBytes(copy.batch);
    for (const oldest of this.#whole.keys()) {
      const fits = this.#whole.size <= this.#options.maxBatches &&
        this.#bytes <= this.#options.maxBytes;
      if (fits || oldest === copy.batch.id) break;
      this.drop(oldest);
    }
    return entry;
  }

  /** Forgets the batch and keeps its id. */
  drop(id: BatchId): void {
    const entry = this.#whole.get(id);
    if (entry === undefined) return;
    this.#whole.delete(id);
    this.#bytes -= batchBytes(entry.batch);
  }

  /** A batch that is held whole and has not expired. */
  whole(id: BatchId): RememberedBatch | undefined {
    const entry = this.#whole.get(id);
    return entry === undefined || this.#expired(entry) ? undefined : entry;
  }

  /** How long ago the batch was issued, as far as this node knows. */
  ageMs(entry: RememberedBatch): number {
    return Math.max(0, Math.round(this.#options.clock.nowMs() - entry.issuedAtLocalMs));
  }

  /** All that are whole and not expired, newest first. */
  newestFirst(): RememberedBatch[] {
    return [...this.#whole.values()].filter((entry) => !this.#expired(entry)).reverse();
  }

  /** Forgets the batches that have expired; their ids stay. */
  expire(): BatchId[] {
    const expired: BatchId[] = [];
    for (const [id, entry] of this.#whole) {
      if (this.#expired(entry)) expired.push(id);
    }
    for (const id of expired) this.drop(id);
    return expired;
  }

  #expired(entry: RememberedBatch): boolean {
    return this.#options.clock.nowMs() >= entry.expiresAtLocalMs;
  }
}

function batchBytes(batch: Batch): number {
  return BATCH_OVERHEAD_BYTES + batch.content.length + batch.signature.length;
}
