/**
 * What a node keeps of the batches that it runs: the seam where a journal makes it durable.
 * @module
 */
import type { CheckResult } from "../checks/check.ts";
import type { Batch, BatchAccepted, BatchId, GossipEvent } from "../gossip/types.ts";
import { HISTORY_MAX_BATCHES, OWN_OUTCOMES_MAX_BYTES } from "../limits.ts";

/** What a node found, encoded. */
export interface Outcomes {
  /** Whether everything passed. */
  readonly passed: boolean;
  /** The results. */
  readonly body: Uint8Array;
}

/**
 * Keeps batches and this node's outcomes. What a method takes is durable when it returns, but for
 * members' progress: no message that relies on that may go out before `sync`.
 */
export interface BatchStore {
  /** Whether `sync` is due. */
  readonly unsynced: boolean;
  /** Makes all that was taken durable. Raises `StoreError`. */
  sync(): void;
  /** A batch was accepted. Comes before anything of it runs; a `StoreError` keeps it from running. */
  accepted(event: BatchAccepted): void;
  /** An action is about to start. A `StoreError` refuses it. */
  actionStarting(batchId: BatchId, check: string): void;
  /** One check has its result, its action included. */
  checkEnded(batchId: BatchId, result: CheckResult): void;
  /** This node has its outcomes; they are owed to the batch's origin from now on. */
  finished(batch: Batch, outcomes: Outcomes): void;
  /** Any other event of dissemination, before what relies on it goes out. */
  note(event: GossipEvent): void;
  /** This node's outcomes, encoded; `undefined` where there are none (any more). */
  outcomes(batchId: BatchId): Uint8Array | undefined;
}

/** Keeps all in memory, the oldest outcomes forgotten first. */
export class MemoryBatchStore implements BatchStore {
  readonly #outcomes = new Map<BatchId, Uint8Array>();
  #bytes = 0;

  /** Memory has no disk to wait for. */
  get unsynced(): boolean {
    return false;
  }

  /** Nothing to do. */
  sync(): void {}

  /** Nothing to keep: history remembers the id. */
  accepted(_event: BatchAccepted): void {}

  /** Nothing to keep. */
  actionStarting(_batchId: BatchId, _check: string): void {}

  /** Nothing to keep: the run has it. */
  checkEnded(_batchId: BatchId, _result: CheckResult): void {}

  /** Keeps the outcomes for `results`. */
  finished(batch: Batch, { body }: Outcomes): void {
    this.#outcomes.set(batch.id, body);
    this.#bytes += body.length;
    for (const [oldest, bytes] of this.#outcomes) {
      if (this.#outcomes.size <= HISTORY_MAX_BATCHES && this.#bytes <= OWN_OUTCOMES_MAX_BYTES) {
        break;
      }
      this.#outcomes.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }

  /** Nothing to keep: dissemination has the outbox and what was collected. */
  note(_event: GossipEvent): void {}

  /** This node's outcomes, encoded. */
  outcomes(batchId: BatchId): Uint8Array | undefined {
    return this.#outcomes.get(batchId);
  }
}
