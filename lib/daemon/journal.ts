/**
 * What a node must know after a crash, over a `Store`: the ids it has seen, the batches it
 * remembers, how far its own runs came, what it owes to origins and what it collected as one.
 * @module
 */
import { encodeResults } from "../checks/codec.ts";
import { decodeBatch, encodeBatch } from "../gossip/codec.ts";
import type {
  Batch,
  BatchAccepted,
  BatchId,
  GossipEvent,
  MemberProgress,
  ProgressChanged,
  RestoredBatch,
  RestoredCollection,
  RestoredReport,
  RestoredState,
} from "../gossip/types.ts";
import type { CheckResult } from "../checks/check.ts";
import { HISTORY_MAX_BATCHES, HISTORY_MAX_IDS } from "../limits.ts";
import type { Clock, Store, StoreValue } from "../runtime.ts";
import type { BatchStore, Outcomes } from "./batch_store.ts";
import { type InterruptedRun, resultsOfInterrupted } from "./interrupted.ts";
import { memberColumns, progressOf } from "./journal_rows.ts";

/** Brings a store to the journal's layout; each statement may be run again and again. */
export const JOURNAL_SCHEMA: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS seen (sequence INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS batch (
     id TEXT PRIMARY KEY, bytes BLOB NOT NULL, accepted_wall_ms INTEGER NOT NULL,
     age_ms INTEGER NOT NULL, cancelled INTEGER NOT NULL, released INTEGER NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS run (id TEXT PRIMARY KEY, header BLOB NOT NULL, body BLOB NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS started_action (
     id TEXT NOT NULL, check_name TEXT NOT NULL, PRIMARY KEY (id, check_name))`,
  `CREATE TABLE IF NOT EXISTS ended_check (
     id TEXT NOT NULL, check_name TEXT NOT NULL, result BLOB NOT NULL,
     PRIMARY KEY (id, check_name))`,
  `CREATE TABLE IF NOT EXISTS outcome (
     id TEXT PRIMARY KEY, header BLOB NOT NULL, passed INTEGER NOT NULL, body BLOB NOT NULL,
     settled INTEGER NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS collection (
     id TEXT PRIMARY KEY, header BLOB NOT NULL, stage_size INTEGER, max_failures INTEGER)`,
  `CREATE TABLE IF NOT EXISTS collected (
     id TEXT NOT NULL, position INTEGER NOT NULL, node TEXT NOT NULL, state TEXT NOT NULL,
     detail TEXT, passed INTEGER, body BLOB, PRIMARY KEY (id, node))`,
];

/** Old rows are looked for once in so many accepted batches. */
const TRIM_EVERY = 256;

/** What a `Journal` is made of. */
export interface JournalOptions {
  /** Opened with `JOURNAL_SCHEMA`. Closed by its owner. */
  readonly store: Store;
  /** Ages of batches go on by its wall time while the node is down. */
  readonly clock: Clock;
}

/** A `BatchStore` that survives. Every method raises `StoreError`, with nothing half written. */
export class Journal implements BatchStore {
  readonly #store: Store;
  readonly #clock: Clock;
  #untilTrim = 0;

  /** Ends the runs that a crash has interrupted; `interrupted` tells how many. */
  constructor(options: JournalOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.interrupted = this.#endInterruptedRuns();
  }

  /** How many batches were running when the node went down. */
  readonly interrupted: number;

  /** What dissemination starts from. */
  restored(): RestoredState {
    return {
      seen: this.#store.query("SELECT id FROM seen ORDER BY sequence").map((row) => textOf(row.id)),
      batches: this.#batches(),
      collections: this.#collections(),
      reports: this.#reports(),
    };
  }

  /** Remembers a batch, and that it runs here where it does. */
  accepted(event: BatchAccepted): void {
    const { batch } = event;
    this.#store.transaction(() => {
      this.#store.run("INSERT OR IGNORE INTO seen (id) VALUES (?)", batch.id);
      this.#store.run(
        "INSERT OR REPLACE INTO batch VALUES (?, ?, ?, ?, ?, ?)",
        batch.id,
        encodeBatch(batch),
        this.#clock.wallMs(),
        event.ageMs,
        Number(event.cancelled),
        Number(event.targeted),
      );
      if (event.targeted) this.#insertRun(batch);
      if (event.collection !== undefined) this.#insertCollection(event);
      if (this.#untilTrim-- <= 0) this.#trim();
    });
  }

  /** Takes what must survive of an event other than `batch_accepted`. */
  note(event: GossipEvent): void {
    switch (event.type) {
      case "batch_released":
        this.#store.transaction(() => {
          this.#store.run("UPDATE batch SET released = 1 WHERE id = ?", event.batch.id);
          this.#insertRun(event.batch);
        });
        break;
      case "batch_cancelled":
        this.#store.run("UPDATE batch SET cancelled = 1 WHERE id = ?", event.batchId);
        break;
      case "batch_expired":
        this.#store.run("DELETE FROM batch WHERE id = ?", event.batchId);
        break;
      case "progress":
        this.#progress(event);
        break;
      case "results_forgotten":
        this.#forgetCollection(event.batchId);
        break;
      case "report_confirmed":
      case "report_abandoned":
        this.#store.run("UPDATE outcome SET settled = 1 WHERE id = ?", event.batchId);
        break;
      case "batch_accepted":
      case "batch_refused":
      case "batch_settled":
      case "rollout_stopped":
      case "dropped":
        break;
      default:
        event satisfies never;
    }
  }

  /** Remembers that an action starts now, so that it never starts again. */
  actionStarting(batchId: BatchId, check: string): void {
    this.#store.run("INSERT OR IGNORE INTO started_action VALUES (?, ?)", batchId, check);
  }

  /** Remembers one check's result, for the case that the batch is interrupted later. */
  checkEnded(batchId: BatchId, result: CheckResult): void {
    this.#store.run(
      "INSERT OR REPLACE INTO ended_check VALUES (?, ?, ?)",
      batchId,
      result.check,
      encodeResults([result]),
    );
  }

  /** Puts this node's outcomes into the outbox. */
  finished(batch: Batch, outcomes: Outcomes): void {
    this.#store.transaction(() => {
      this.#insertOutcome(batch.id, { ...outcomes, header: headerOf(batch) });
    });
  }

  /** This node's outcomes, encoded. */
  outcomes(batchId: BatchId): Uint8Array | undefined {
    const row = this.#store.query("SELECT body FROM outcome WHERE id = ?", batchId)[0];
    return row === undefined ? undefined : bytesOf(row.body);
  }

  #endInterruptedRuns(): number {
    const rows = this.#store.query("SELECT id, header, body FROM run");
    this.#store.transaction(() => {
      for (const row of rows) {
        const id = textOf(row.id);
        const { passed, results } = resultsOfInterrupted(this.#interruptedRun(id, row.body));
        const body = encodeResults(results);
        this.#insertOutcome(id, { passed, body, header: bytesOf(row.header) });
      }
    });
    return rows.length;
  }

  #interruptedRun(id: BatchId, body: StoreValue | undefined): InterruptedRun {
    const started = this.#store.query("SELECT check_name FROM started_action WHERE id = ?", id);
    const ended = this.#store.query("SELECT result FROM ended_check WHERE id = ?", id);
    return {
      checks: bytesOf(body),
      started: new Set(started.map((row) => textOf(row.check_name))),
      ended: ended.map((row) => bytesOf(row.result)),
    };
  }

  #insertRun(batch: Batch): void {
    this.#store.run(
      "INSERT OR REPLACE INTO run VALUES (?, ?, ?)",
      batch.id,
      headerOf(batch),
      batch.body,
    );
  }

  #insertOutcome(
    id: BatchId,
    outcome: Outcomes & { header: Uint8Array },
  ): void {
    this.#store.run(
      "INSERT OR REPLACE INTO outcome VALUES (?, ?, ?, ?, 0)",
      id,
      outcome.header,
      Number(outcome.passed),
      outcome.body,
    );
    for (const table of ["run", "started_action", "ended_check"]) {
      this.#store.run(`DELETE FROM ${table} WHERE id = ?`, id);
    }
  }

  #insertCollection({ batch, collection }: BatchAccepted): void {
    this.#store.run(
      "INSERT OR REPLACE INTO collection VALUES (?, ?, ?, ?)",
      batch.id,
      headerOf(batch),
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

  #progress({ batchId, node, progress }: ProgressChanged): void {
    const [state, detail, passed, body] = memberColumns(progress);
    this.#store.run(
      `INSERT INTO collected SELECT ?1,
         (SELECT coalesce(max(position) + 1, 0) FROM collected WHERE id = ?1), ?2, ?3, ?4, ?5, ?6
       WHERE EXISTS (SELECT 1 FROM collection WHERE id = ?1)
       ON CONFLICT (id, node) DO UPDATE SET
         state = excluded.state, detail = excluded.detail, passed = excluded.passed,
         body = excluded.body`,
      batchId,
      node,
      state,
      detail,
      passed,
      body,
    );
  }

  #forgetCollection(batchId: BatchId): void {
    this.#store.transaction(() => {
      this.#store.run("DELETE FROM collection WHERE id = ?", batchId);
      this.#store.run("DELETE FROM collected WHERE id = ?", batchId);
    });
  }

  /** Ids sort by time of issue, so the smallest are the oldest. What is owed to an origin stays. */
  #trim(): void {
    this.#untilTrim = TRIM_EVERY;
    this.#store.run(
      "DELETE FROM seen WHERE sequence <= (SELECT max(sequence) FROM seen) - ?",
      HISTORY_MAX_IDS,
    );
    for (const [table, condition] of [["batch", "TRUE"], ["outcome", "settled = 1"]]) {
      this.#store.run(
        `DELETE FROM ${table} WHERE ${condition} AND id NOT IN
           (SELECT id FROM ${table} ORDER BY id DESC LIMIT ?)`,
        HISTORY_MAX_BATCHES,
      );
    }
  }

  #batches(): RestoredBatch[] {
    const rows = this.#store.query("SELECT * FROM batch ORDER BY rowid");
    return rows.map((row) => ({
      batch: decodeBatch(bytesOf(row.bytes)),
      ageMs: numberOf(row.age_ms) +
        Math.max(0, this.#clock.wallMs() - numberOf(row.accepted_wall_ms)),
      cancelled: row.cancelled === 1,
      released: row.released === 1,
    }));
  }

  #collections(): RestoredCollection[] {
    return this.#store.query("SELECT * FROM collection ORDER BY rowid").map((row) => {
      const batchId = textOf(row.id);
      const { target, held } = decodeBatch(bytesOf(row.header));
      const rollout = row.stage_size === null ? {} : {
        rollout: {
          stageSize: orInfinity(row.stage_size),
          maxFailures: orInfinity(row.max_failures),
        },
      };
      return { batchId, target, held, members: this.#members(batchId), ...rollout };
    });
  }

  #members(batchId: BatchId): Map<string, MemberProgress> {
    const rows = this.#store.query(
      "SELECT * FROM collected WHERE id = ? ORDER BY position",
      batchId,
    );
    return new Map(rows.map((row) => [textOf(row.node), progressOf(row)]));
  }

  #reports(): RestoredReport[] {
    const rows = this.#store.query("SELECT * FROM outcome WHERE settled = 0 ORDER BY rowid");
    return rows.map((row) => ({
      batchId: textOf(row.id),
      origin: decodeBatch(bytesOf(row.header)).origin,
      passed: row.passed === 1,
      body: bytesOf(row.body),
    }));
  }
}

/** A batch without what is large in it. */
function headerOf(batch: Batch): Uint8Array {
  const nothing = new Uint8Array(0);
  return encodeBatch({ ...batch, body: nothing, signature: nothing });
}

function textOf(value: StoreValue | undefined): string {
  return String(value);
}

function numberOf(value: StoreValue | undefined): number {
  return Number(value);
}

function bytesOf(value: StoreValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

function finiteOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function orInfinity(value: StoreValue | undefined): number {
  return typeof value === "number" ? value : Infinity;
}
