/**
 * The journal: the state of a node that must survive a crash, in a `Store`. It holds the ids of all
 * batches that the node has seen, the batches themselves, the progress of its runs, its reports,
 * and the reports that it has collected as an origin.
 * @module
 */
import { BATCH, type Batch } from "../batch/batch.ts";
import type { BatchId } from "../batch/id.ts";
import { decodeResult, encodeReport, encodeResult, reportPassed } from "../batch/report.ts";
import { lifetimeMs } from "../batch/batch.ts";
import { StoreError } from "../errors.ts";
import type { DurableRecord, RestoredState } from "../gossip/types.ts";
import { encodeMessage } from "../msgpack_codec.ts";
import type { Clock, Log, Store, StoreValue, Timers } from "../runtime.ts";
import { TimerSet } from "../timer_set.ts";
import type { BatchStore, JournalRecord, Recorded, RunRecord } from "./batch_store.ts";
import { bytesOf, memberColumns, textOf } from "./columns.ts";
import { type InterruptedRun, reportOfInterrupted } from "./interrupted.ts";
import { encodeHeader, restoredState } from "./restore.ts";
import { JournalTrimmer } from "./trim.ts";

/** Options of a `Journal`. */
export interface JournalOptions {
  /** Opened with `JOURNAL_SCHEMA`. Closed by the caller. */
  readonly store: Store;
  /** Its wall time measures how batches age while the node is down. */
  readonly clock: Clock;
  /** Delays writes to the end of a turn of the event loop. */
  readonly timers: Timers;
  /** For write errors. */
  readonly log: Log;
}

/** A record that is not written yet. */
interface Waiting {
  readonly record: JournalRecord;
  readonly done: Recorded | undefined;
}

/**
 * A durable `BatchStore`. All records of one turn of the event loop are written in one transaction:
 * an origin may receive a thousand reports at once, and one disk write for each would block it for
 * seconds.
 */
export class Journal implements BatchStore {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #timers: TimerSet;
  readonly #trimmer: JournalTrimmer;
  #waiting: Waiting[] = [];

  /**
   * Writes the reports of the runs that a crash interrupted, and trims the tables. Raises
   * `StoreError`.
   */
  constructor(options: JournalOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#timers = new TimerSet(options.timers);
    this.#trimmer = new JournalTrimmer(options);
    this.interrupted = this.#endInterruptedRuns();
    this.#trimmer.trim();
  }

  /** Number of batches that were running when the node went down. */
  readonly interrupted: number;

  /**
   * The initial state of dissemination, without batches that have expired meanwhile. Raises
   * `StoreError`.
   */
  restored(): RestoredState {
    const state = restoredState(this.#store, { wallMs: this.#clock.wallMs() });
    const expired = state.batches.filter(({ batch, ageMs }) => ageMs >= lifetimeMs(batch));
    this.#store.transaction(() => {
      for (const { batch } of expired) {
        this.#store.run("DELETE FROM batch WHERE id = ?", batch.id);
      }
    }, { lazy: true });
    return { ...state, batches: state.batches.filter((restored) => !expired.includes(restored)) };
  }

  /** Stores a record; it is written with all others of this turn of the event loop. */
  keep(record: JournalRecord, done?: Recorded): void {
    this.#waiting.push({ record, done });
    if (this.#waiting.length === 1) this.#timers.after(0, () => this.#flush());
  }

  /**
   * The encoded report of this node on a batch, also if it is not written yet. Raises `StoreError`.
   */
  report(batchId: BatchId): Uint8Array | undefined {
    for (const { record } of this.#waiting) {
      if (record.type === "finished" && record.batch.id === batchId) return record.report;
    }
    const row = this.#store.query("SELECT report FROM outcome WHERE id = ?", batchId)[0];
    return row === undefined ? undefined : bytesOf(row.report);
  }

  /** Writes the waiting records. Calls no `done` from now on. */
  close(): void {
    this.#timers.close();
    const waiting = this.#waiting.splice(0);
    this.#write(waiting);
  }

  #flush(): void {
    const waiting = this.#waiting.splice(0);
    const errors = this.#write(waiting);
    for (const { record } of waiting) {
      if (record.type === "accepted") this.#trimmer.accepted(record.batch.content.length);
    }
    waiting.forEach(({ done }, index) => done?.(errors[index]));
  }

  /**
   * Writes all records in one transaction or, if that fails, each in its own. Returns the error of
   * each.
   */
  #write(waiting: readonly Waiting[]): readonly (StoreError | undefined)[] {
    const error = this.#commit(waiting);
    if (error === undefined) return [];
    const errors = waiting.length === 1 ? [error] : waiting.map((one) => this.#commit([one]));
    for (const message of new Set(errors.map((one) => one?.message))) {
      if (message !== undefined) this.#log.write("error", "store_failed", message);
    }
    return errors;
  }

  /** Writes records in one transaction, which is lazy if no record has a `done`. */
  #commit(waiting: readonly Waiting[]): StoreError | undefined {
    try {
      const lazy = waiting.every(({ done }) => done === undefined);
      this.#store.transaction(() => waiting.forEach(({ record }) => this.#apply(record)), { lazy });
      return undefined;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return error;
    }
  }

  #apply(record: JournalRecord): void {
    switch (record.type) {
      case "accepted":
        return this.#accepted(record);
      case "released":
        this.#store.run("INSERT OR IGNORE INTO seen (id) VALUES (?)", record.batch.id);
        this.#store.run("UPDATE batch SET released = 1 WHERE id = ?", record.batch.id);
        return this.#insertRun(record.batch);
      case "cancelled":
        return this.#store.run("UPDATE batch SET cancelled = 1 WHERE id = ?", record.batchId);
      case "expired":
        return this.#store.run("DELETE FROM batch WHERE id = ?", record.batchId);
      case "progress":
        return this.#progress(record);
      case "results_forgotten":
        this.#store.run("DELETE FROM collection WHERE id = ?", record.batchId);
        return this.#store.run("DELETE FROM collected WHERE id = ?", record.batchId);
      case "report_settled":
        return this.#store.run("UPDATE outcome SET settled = 1 WHERE id = ?", record.batchId);
      case "action_starting":
        return this.#store.run(
          "INSERT OR IGNORE INTO started_action VALUES (?, ?)",
          record.batchId,
          record.check,
        );
      case "check_ended":
        return this.#store.run(
          "INSERT OR REPLACE INTO ended_check VALUES (?, ?, ?)",
          record.batchId,
          record.result.check,
          encodeResult(record.result),
        );
      case "finished":
        return this.#finished(record);
      default:
        return record satisfies never;
    }
  }

  #accepted(record: DurableRecord & { type: "accepted" }): void {
    const { batch, ageMs, cancelled, targeted } = record;
    this.#store.run("INSERT OR IGNORE INTO seen (id) VALUES (?)", batch.id);
    this.#store.run(
      "INSERT OR REPLACE INTO batch VALUES (?, ?, ?, ?, ?, ?)",
      batch.id,
      encodeMessage(BATCH, batch),
      this.#clock.wallMs(),
      ageMs,
      Number(cancelled),
      Number(targeted),
    );
    if (targeted) this.#insertRun(batch);
    if (record.collection !== undefined) this.#insertCollection(record);
  }

  #finished({ batch, passed, report }: RunRecord & { type: "finished" }): void {
    this.#insertOutcome(batch.id, { passed, report, header: encodeHeader(batch) });
  }

  #endInterruptedRuns(): number {
    const rows = this.#store.query("SELECT id, header, body FROM run");
    this.#store.transaction(() => {
      for (const row of rows) {
        const id = textOf(row.id);
        const report = reportOfInterrupted(this.#interruptedRun(id, row.body));
        this.#insertOutcome(id, {
          passed: reportPassed(report),
          report: encodeReport(report),
          header: bytesOf(row.header),
        });
      }
    });
    return rows.length;
  }

  #interruptedRun(id: BatchId, body: StoreValue | undefined): InterruptedRun {
    const started = this.#store.query("SELECT check_name FROM started_action WHERE id = ?", id);
    const ended = this.#store.query("SELECT result FROM ended_check WHERE id = ?", id);
    return {
      body: bytesOf(body),
      started: new Set(started.map((row) => textOf(row.check_name))),
      ended: ended.map((row) => decodeResult(bytesOf(row.result))),
    };
  }

  #insertRun(batch: Batch): void {
    this.#store.run(
      "INSERT OR REPLACE INTO run VALUES (?, ?, ?)",
      batch.id,
      encodeHeader(batch),
      batch.body,
    );
  }

  #insertOutcome(
    id: BatchId,
    outcome: { readonly passed: boolean; readonly report: Uint8Array; readonly header: Uint8Array },
  ): void {
    this.#store.run(
      "INSERT OR REPLACE INTO outcome VALUES (?, ?, ?, ?, 0)",
      id,
      outcome.header,
      Number(outcome.passed),
      outcome.report,
    );
    for (const table of ["run", "started_action", "ended_check"]) {
      this.#store.run(`DELETE FROM ${table} WHERE id = ?`, id);
    }
  }

  #insertCollection({ batch, collection }: DurableRecord & { type: "accepted" }): void {
    this.#store.run(
      "INSERT OR REPLACE INTO collection VALUES (?, ?, ?, ?)",
      batch.id,
      encodeHeader(batch),
      finiteOrNull(collection?.rollout?.stageSize),
      finiteOrNull(collection?.rollout?.maxFailures),
    );
    for (const [position, node] of (collection?.members ?? []).entries()) {
      this.#store.run(
        "INSERT OR IGNORE INTO collected VALUES (?, ?, ?, 'pending', NULL, NULL, NULL)",
        batch.id,
        position,
        node,
      );
    }
  }

  #progress({ batchId, node, progress }: DurableRecord & { type: "progress" }): void {
    const [state, detail, passed, report] = memberColumns(progress);
    this.#store.run(
      `INSERT INTO collected SELECT ?1,
         (SELECT coalesce(max(position) + 1, 0) FROM collected WHERE id = ?1), ?2, ?3, ?4, ?5, ?6
       WHERE EXISTS (SELECT 1 FROM collection WHERE id = ?1)
       ON CONFLICT (id, node) DO UPDATE SET
         state = excluded.state, detail = excluded.detail, passed = excluded.passed,
         report = excluded.report`,
      batchId,
      node,
      state,
      detail,
      passed,
      report,
    );
  }
}

function finiteOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
