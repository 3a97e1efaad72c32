/**
 * Keeps the journal's tables within their bounds of number, size and age.
 * @module
 */
import { StoreError } from "../errors.ts";
import { issueTimeOf, newBatchId } from "../batch/id.ts";
import {
  HISTORY_MAX_BATCHES,
  HISTORY_MAX_IDS,
  JOURNAL_BATCHES_MAX_BYTES,
  JOURNAL_OUTCOMES_MAX_BYTES,
  RESULTS_KEEP_MS,
} from "../limits.ts";
import type { Clock, Store } from "../runtime.ts";
import { textOf } from "./columns.ts";

/** Old rows are looked for once in so many accepted batches, or bytes of them. */
const TRIM_EVERY = { batches: 256, bytes: 16 * 1024 * 1024 } as const;

/** Finds the first id that a time of issue could have. */
const NO_CHANCE = { next: () => 0, bytes: (length: number) => new Uint8Array(length) };

/** Tables of one row a batch, whose newest rows are kept. What is owed to an origin stays. */
const TABLES = [
  {
    name: "batch",
    column: "bytes",
    condition: "TRUE",
    maxBytes: JOURNAL_BATCHES_MAX_BYTES,
  },
  {
    name: "outcome",
    column: "body",
    condition: "settled = 1",
    maxBytes: JOURNAL_OUTCOMES_MAX_BYTES,
  },
] as const;

/** Forgets the oldest. */
export class JournalTrimmer {
  readonly #store: Store;
  readonly #clock: Clock;
  #batches = 0;
  #bytes = 0;

  /** Forgets nothing before `accepted` or `trim`. */
  constructor({ store, clock }: { store: Store; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A batch of so many bytes came; now and then that is the time to trim. */
  accepted(bytes: number): void {
    this.#batches++;
    this.#bytes += bytes;
    if (this.#batches < TRIM_EVERY.batches && this.#bytes < TRIM_EVERY.bytes) return;
    try {
      this.trim();
    } catch (error) {
      // The batch is kept all the same, and the next one tries again.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  /** Brings every table within its bounds. Raises `StoreError`. */
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

  /** Ids sort by time of issue. */
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
   * Old is what is far older than the newest: a machine that starts with its clock years ahead
   * forgets nothing for that, and neither does one that was off for months.
   */
  #trimByAge(): void {
    const newest = this.#store.query("SELECT id FROM seen ORDER BY id DESC LIMIT 1")[0];
    if (newest === undefined) return;
    const newestMs = Math.min(issueTimeOf(textOf(newest.id)), this.#clock.wallMs());
    const horizon = newBatchId({ wallMs: newestMs - RESULTS_KEEP_MS, random: NO_CHANCE });
    this.#store.run("DELETE FROM outcome WHERE settled = 1 AND id < ?", horizon);
    this.#store.run("DELETE FROM collection WHERE id < ?", horizon);
    this.#store.run("DELETE FROM collected WHERE id < ?", horizon);
  }
}
