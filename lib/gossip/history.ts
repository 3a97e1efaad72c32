/**
 * What a node remembers: every id that it ever accepted, so that no batch runs twice, and the
 * newest batches whole, to hand to who lacks them. Both forget the oldest first.
 * @module
 */
import type { Clock } from "../runtime.ts";
import type { Batch, BatchCopy, BatchId } from "./messages.ts";
import { SeenIds } from "./seen_ids.ts";

/** A batch that is remembered whole. */
export interface RememberedBatch {
  /** The batch. */
  readonly batch: Batch;
  /** When it was issued, on this machine's monotonic clock. */
  readonly issuedAtLocalMs: number;
  /** When it expires, on that clock too. */
  readonly expiresAtLocalMs: number;
  /** Whether it was cancelled. */
  cancelled: boolean;
  /** Whether this node was let start it, where it is held. */
  released: boolean;
}

/** What it is made with. */
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

/** What a batch takes beside its body and signature, roughly. */
const BATCH_OVERHEAD_BYTES = 512;

/** The memory of one node. */
export class History {
  readonly #options: HistoryOptions;
  readonly #seen: SeenIds;
  readonly #whole = new Map<BatchId, RememberedBatch>();
  #bytes = 0;

  /** Grows with what is held. */
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
   * Whether one more batch would push out one that is younger than `ageMs`: who missed that in the
   * burst could not fetch it any more.
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

  /** Remembers an id alone. */
  markSeen(id: BatchId): void {
    this.#seen.add(id);
  }

  /** Remembers a batch whole and its id; the oldest ones make room. */
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

/** How long a batch lives from its issue; infinite where it never expires. */
export function lifetimeMs(batch: Batch): number {
  return batch.expiresAtMs === 0 ? Infinity : batch.expiresAtMs - batch.issuedAtMs;
}

function batchBytes(batch: Batch): number {
  return BATCH_OVERHEAD_BYTES + batch.body.length + batch.signature.length;
}
