/**
 * Deletes the oldest rows of the journal, by number, size and age.
 * @module
 */
import { StoreError } from "../errors.ts";
import { issueTimeOf, newBatchId } from "../batch/id.ts";
import {
  HISTORY_MAX_BATCHES,
  HISTORY_MAX_IDS,
  JOURNAL_BATCHES_MAX_BYTES,
  JOURNAL_REPORTS_MAX_BYTES,
  RESULTS_KEEP_MS,
} from "../limits.ts";
import type { Clock, Store } from "../runtime.ts";
import { textOf } from "./columns.ts";

/** The tables are trimmed after this number of accepted batches, or of their bytes. */
const TRIM_EVERY = { batches: 256, bytes: 16 * 1024 * 1024 } as const;

/** Makes the lowest id that a batch issued at some time can have. */
const NO_RANDOM = { next: () => 0, bytes: (length: number) => new Uint8Array(length) };

/**
 * Tables with one row per batch, of which the newest rows are kept. Reports that are not settled
 * are not deleted.
 */
const TABLES = [
  {
    name: "batch",
    column: "bytes",
    condition: "TRUE",
    maxBytes: JOURNAL_BATCHES_MAX_BYTES,
  },
  {
    name: "outcome",
    column: "report",
    condition: "settled = 1",
    maxBytes: JOURNAL_REPORTS_MAX_BYTES,
  },
] as const;

/** Trims the tables of the journal. */
export class JournalTrimmer {
  readonly #store: Store;
  readonly #clock: Clock;
  #batches = 0;
  #bytes = 0;

  /** Deletes nothing before `accepted` or `trim`. */
  constructor({ store, clock }: { store: Store; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Counts an accepted batch of `bytes` bytes, and trims the tables if it is time to. */
  accepted(bytes: number): void {
    this.#batches++;
    this.#bytes += bytes;
    if (this.#batches < TRIM_EVERY.batches && this.#bytes < TRIM_EVERY.bytes) return;
    try {
      this.trim();
    } catch (error) {
      // The batch is written already; trimming is retried with the next one.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  /** Trims every table. Raises `StoreError`. */
  trim(): void {
    this.#store.transaction(() => {
      this.#store.run(
        "DELETE FROM seen WHERE sequence <= (SELECT max(sequence) FROM seen) - ?",
        HISTORY_MAX_IDS,
      );
      for (const table of TABLES) this.#trimTable(table);
      this.#trimByAge();
    }, { lazy: true });
    this.#batches = 0;
    this.#bytes = 0;
  }

  /** Keeps the newest rows: ids sort by time of issue. */
  #trimTable({ name, column, condition, maxBytes }: typeof TABLES[number]): void {
    this.#store.run(
      `DELETE FROM ${name} WHERE ${condition} AND id IN (
         SELECT id FROM (
           SELECT id, row_number() OVER newest AS place, sum(length(${column})) OVER newest AS total
           FROM ${name} WINDOW newest AS (ORDER BY id DESC))
         WHERE place > ? OR total > ?)`,
      HISTORY_MAX_BATCHES,
      maxBytes,
    );
  }

  /**
   * Deletes rows that are `RESULTS_KEEP_MS` older than the newest batch. Age counts from the newest
   * batch and not from now, so that a host whose clock is years ahead, or that was off for months,
   * deletes nothing.
   */
  #trimByAge(): void {
    const newest = this.#store.query("SELECT id FROM seen ORDER BY id DESC LIMIT 1")[0];
    if (newest === undefined) return;
    const newestMs = Math.min(issueTimeOf(textOf(newest.id)), this.#clock.wallMs());
    const horizon = newBatchId({ wallMs: newestMs - RESULTS_KEEP_MS, random: NO_RANDOM });
    this.#store.run("DELETE FROM outcome WHERE settled = 1 AND id < ?", horizon);
    this.#store.run("DELETE FROM collection WHERE id < ?", horizon);
    this.#store.run("DELETE FROM collected WHERE id < ?", horizon);
  }
}
