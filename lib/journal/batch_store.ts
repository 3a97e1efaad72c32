/**
 * The interface of the journal (`BatchStore`), its records, and an implementation in memory for
 * nodes without a state directory.
 * @module
 */
import type { Batch } from "../batch/batch.ts";
import type { CheckResult } from "../batch/check.ts";
import type { BatchId } from "../batch/id.ts";
import type { StoreError } from "../errors.ts";
import type { DurableRecord } from "../gossip/types.ts";
import { HISTORY_MAX_BATCHES, OWN_REPORTS_MAX_BYTES } from "../limits.ts";
import type { Timers } from "../runtime.ts";
import { TimerSet } from "../timer_set.ts";

/**
 * A record of a batch's run on this node. `action_starting`: an action is about to start.
 * `check_ended`: a check and its action have ended. `finished`: the run has ended; from now on the
 * node sends the encoded `report` to the origin until the origin acknowledges it.
 */
export type RunRecord =
  | { readonly type: "action_starting"; readonly batchId: BatchId; readonly check: string }
  | { readonly type: "check_ended"; readonly batchId: BatchId; readonly result: CheckResult }
  | {
    readonly type: "finished";
    readonly batch: Batch;
    /** Whether all outcomes are `pass`. */
    readonly passed: boolean;
    readonly report: Uint8Array;
  };

/** A record of the dissemination machine or of a run. */
export type JournalRecord = DurableRecord | RunRecord;

/** Called with `undefined` if the record is durable, else with the reason why it is not. */
export type Recorded = (error: StoreError | undefined) => void;

/** Stores records of batches, and the reports of this node. */
export interface BatchStore {
  /**
   * Stores a record. `done` is called once, later (never from inside this call), and in the order
   * of the calls. A record without `done` is written as well, but its write may be lost in a crash
   * of the host.
   */
  keep(record: JournalRecord, done?: Recorded): void;
  /**
   * The encoded report of this node on a batch; `undefined` if there is none, or it was evicted.
   */
  report(batchId: BatchId): Uint8Array | undefined;
  /** Writes the waiting records. Calls no `done` from now on. */
  close(): void;
}

/**
 * Stores reports in memory, and evicts the oldest. Ignores other records: dissemination holds their
 * state.
 */
export class MemoryBatchStore implements BatchStore {
  readonly #timers: TimerSet;
  readonly #reports = new Map<BatchId, Uint8Array>();
  #bytes = 0;

  /** Starts without reports. */
  constructor(options: { readonly timers: Timers }) {
    this.#timers = new TimerSet(options.timers);
  }

  /** Stores a record; `done` never gets an error. */
  keep(record: JournalRecord, done?: Recorded): void {
    if (record.type === "finished") this.#keepReport(record.batch.id, record.report);
    if (done !== undefined) this.#timers.after(0, () => done(undefined));
  }

  /** The encoded report of this node on a batch. */
  report(batchId: BatchId): Uint8Array | undefined {
    return this.#reports.get(batchId);
  }

  /** Calls no `done` from now on. */
  close(): void {
    this.#timers.close();
  }

  #keepReport(batchId: BatchId, report: Uint8Array): void {
    this.#reports.set(batchId, report);
    this.#bytes += report.length;
    for (const [oldest, bytes] of this.#reports) {
      if (this.#reports.size <= HISTORY_MAX_BATCHES && this.#bytes <= OWN_REPORTS_MAX_BYTES) {
        break;
      }
      this.#reports.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }
}
