/**
 * What a node must know after a crash, over a `Store`: the ids it has seen, the batches it
 * remembers, how far its own runs came, what it owes to origins and what it collected as one.
 * @module
 */
import { encodeResults } from "../checks/codec.ts";
import { encodeBatch } from "../gossip/codec.ts";
import { lifetimeMs } from "../gossip/history.ts";
import type {
  Batch,
  BatchAccepted,
  BatchId,
  GossipEvent,
  ProgressChanged,
  RestoredState,
} from "../gossip/types.ts";
import type { CheckResult } from "../checks/check.ts";
import type { Clock, Store, StoreValue } from "../runtime.ts";
import type { BatchStore, Outcomes } from "./batch_store.ts";
import { type InterruptedRun, resultsOfInterrupted } from "./interrupted.ts";
import { restoredState } from "./restore.ts";
import { bytesOf, memberColumns, textOf } from "./columns.ts";
import { JournalTrimmer } from "./trim.ts";

export { JOURNAL_SCHEMA } from "./schema.ts";

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
  readonly #trimmer: JournalTrimmer;
  #unsynced = false;
  #syncs = 0;

  /** Ends the runs that a crash has interrupted; `interrupted` tells how many. */
  constructor(options: JournalOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#trimmer = new JournalTrimmer(options);
    this.interrupted = this.#endInterruptedRuns();
    this.#trimmer.trim();
  }

  /** How many batches were running when the node went down. */
  readonly interrupted: number;

  /** What dissemination starts from. What expired while the node was down is gone. */
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
    });
    this.#trimmer.accepted(batch.body.length);
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
        this.#runLazily("DELETE FROM batch WHERE id = ?", event.batchId);
        break;
      case "progress":
        this.#progress(event);
        break;
      case "results_forgotten":
        this.#forgetCollection(event.batchId);
        break;
      case "report_confirmed":
      case "report_abandoned":
        this.#runLazily("UPDATE outcome SET settled = 1 WHERE id = ?", event.batchId);
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
    this.#runLazily(
      "INSERT OR REPLACE INTO ended_check VALUES (?, ?, ?)",
      batchId,
      result.check,
      encodeResults([result]),
    );
  }

  /** Whether members' answers are not on the disk yet. */
  get unsynced(): boolean {
    return this.#unsynced;
  }

  /** Waits once for the disk, for all that was taken so far. */
  sync(): void {
    if (!this.#unsynced) return;
    this.#store.run("INSERT OR REPLACE INTO synced VALUES (0, ?)", ++this.#syncs);
    this.#unsynced = false;
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
    this.#runLazily(
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
    // Only an answer cannot be had again once it was confirmed.
    this.#unsynced ||= state === "done";
  }

  #forgetCollection(batchId: BatchId): void {
    this.#store.transaction(() => {
      this.#store.run("DELETE FROM collection WHERE id = ?", batchId);
      this.#store.run("DELETE FROM collected WHERE id = ?", batchId);
    }, { lazy: true });
  }

  /** For what a power cut may undo: it would be done again, or told less exactly, and nothing worse. */
  #runLazily(sql: string, ...parameters: readonly StoreValue[]): void {
    this.#store.transaction(() => this.#store.run(sql, ...parameters), { lazy: true });
  }
}

/** A batch without what is large in it. */
function headerOf(batch: Batch): Uint8Array {
  const nothing = new Uint8Array(0);
  return encodeBatch({ ...batch, body: nothing, signature: nothing });
}

function finiteOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
