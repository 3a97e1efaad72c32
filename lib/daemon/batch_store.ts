/**
 * What a node keeps of the batches that it runs: the seam where a journal makes it durable.
 * @module
 */
import type { BatchAccepted, BatchId } from "../gossip/types.ts";
import { HISTORY_MAX_BATCHES, OWN_OUTCOMES_MAX_BYTES } from "../limits.ts";

/** Keeps batches and this node's outcomes. What a method takes is durable when it returns. */
export interface BatchStore {
  /** A batch was accepted. Comes before anything of it runs; a `StoreError` keeps it from running. */
  accepted(event: BatchAccepted): void;
  /** An action is about to start. A `StoreError` refuses it. */
  actionStarting(batchId: BatchId, check: string): void;
  /** This node has its outcomes, encoded. */
  finished(batchId: BatchId, outcomes: Uint8Array): void;
  /** The origin has this node's outcomes, or was given up on. */
  reportSettled(batchId: BatchId): void;
  /** This node's outcomes, encoded; `undefined` where there are none (any more). */
  outcomes(batchId: BatchId): Uint8Array | undefined;
}

/** Keeps all in memory, the oldest outcomes forgotten first. */
export class MemoryBatchStore implements BatchStore {
  readonly #outcomes = new Map<BatchId, Uint8Array>();
  #bytes = 0;

  /** Nothing to keep: history remembers the id. */
  accepted(_event: BatchAccepted): void {}

  /** Nothing to keep. */
  actionStarting(_batchId: BatchId, _check: string): void {}

  /** Keeps the outcomes for `results`. */
  finished(batchId: BatchId, outcomes: Uint8Array): void {
    this.#outcomes.set(batchId, outcomes);
    this.#bytes += outcomes.length;
    for (const [oldest, bytes] of this.#outcomes) {
      if (this.#outcomes.size <= HISTORY_MAX_BATCHES && this.#bytes <= OWN_OUTCOMES_MAX_BYTES) {
        break;
      }
      this.#outcomes.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }

  /** Nothing to keep: dissemination has the outbox. */
  reportSettled(_batchId: BatchId): void {}

  /** This node's outcomes, encoded. */
  outcomes(batchId: BatchId): Uint8Array | undefined {
    return this.#outcomes.get(batchId);
  }
}
