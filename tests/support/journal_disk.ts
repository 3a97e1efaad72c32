/**
 * A disk that survives crashes in tests of the journal, and sample records.
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Batch } from "../../lib/batch/batch.ts";
import { encodeBody } from "../../lib/batch/body.ts";
import type { Check } from "../../lib/batch/check.ts";
import { SqliteStore } from "../../lib/deno/store.ts";
import { StoreError } from "../../lib/errors.ts";
import type { JournalRecord } from "../../lib/journal/batch_store.ts";
import { Journal } from "../../lib/journal/journal.ts";
import { JOURNAL_SCHEMA } from "../../lib/journal/schema.ts";
import type { Store, StoreValue } from "../../lib/runtime.ts";
import { checkBatch, checkNamed, testId } from "./batches.ts";
import { VirtualTime } from "./virtual_time.ts";

export const HOUR_MS = 3_600_000;

/** The journal's answer to a record. */
export interface Answer {
  /** The type of the record. */
  readonly type: JournalRecord["type"];
  /** The error message; `undefined` if the record is durable. */
  readonly failure: string | undefined;
}

/** A store in memory that survives the crashes of its journals. */
export class Disk implements Store {
  readonly #store = new SqliteStore({ path: ":memory:", schema: JOURNAL_SCHEMA });
  /** The virtual time of the journals. */
  readonly time = new VirtualTime();
  /** The log of the journals. */
  readonly logged: string[] = [];
  /** Whether each commit since the last start was waited for, in order. */
  readonly commits: ("waited for" | "lazy")[] = [];
  /** Commits that write one of these ids fail. */
  readonly bad = new Set<StoreValue | undefined>();
  /** Whether every commit fails. */
  full = false;
  /** Wall clock, in Unix milliseconds. */
  wallMs = 10_000;

  /** Opens a journal on the current content. */
  boot(): Journal {
    const journal = new Journal({
      store: this,
      clock: { nowMs: () => 0, wallMs: () => this.wallMs },
      timers: this.time,
      log: {
        write: (...[level, event, message]) => this.logged.push(`${level} ${event}: ${message}`),
      },
    });
    this.commits.length = 0;
    return journal;
  }

  /** Writes records in one turn of the event loop; returns the answers in their order. */
  async keep(journal: Journal, ...records: readonly JournalRecord[]): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const record of records) {
      const { type } = record;
      journal.keep(record, (error) => answers.push({ type, failure: error?.message }));
    }
    assertEquals(answers, [], "never from inside the call");
    await this.time.pass(0);
    return answers;
  }

  /** Runs a statement. */
  run(sql: string, ...parameters: readonly StoreValue[]): void {
    if (this.bad.has(parameters[0])) throw new StoreError(`bad block under ${parameters[0]}`);
    this.#store.run(sql, ...parameters);
  }

  /** Runs a query. */
  query(sql: string, ...parameters: readonly StoreValue[]): Record<string, StoreValue>[] {
    return this.#store.query(sql, ...parameters);
  }

  /** Commits a transaction. */
  transaction<T>(body: () => T, options: { readonly lazy?: boolean } = {}): T {
    if (this.full) throw new StoreError("the disk is full");
    const result = this.#store.transaction(body, options);
    this.commits.push(options.lazy ? "lazy" : "waited for");
    return result;
  }

  /** Deletes all content. */
  close(): void {
    this.#store.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A batch that expires after an hour, with these checks or one. */
export function hourBatch(number: number, checks: Check[] = [actingCheck("a")]): Batch {
  return checkBatch({
    id: testId(number),
    issuedAtMs: 1_000,
    expiresAtMs: 1_000 + HOUR_MS,
    target: { tags: [{ key: "role", equal: true, value: "web" }], nodes: ["web-*"] },
    body: encodeBody({ type: "checks", checks }),
    signature: new Uint8Array([1, 2, 3]),
  });
}

/** A check with an action. */
export function actingCheck(name: string): Check {
  return checkNamed(name, { action: "true" });
}

type Accepted = JournalRecord & { type: "accepted" };

/** The record that a targeted node accepted `hourBatch(number)`. */
export function accepted(number: number, more: Partial<Accepted> = {}): Accepted {
  const rest = { ageMs: 5, targeted: true, cancelled: false };
  return { type: "accepted", batch: hourBatch(number), ...rest, ...more };
}

/** The record that a batch ran and all its checks passed. */
export function finished(batch: Batch, report: Uint8Array): JournalRecord {
  return { type: "finished", batch, passed: true, report };
}

/** The record that the report of a batch is settled. */
export function settled({ id }: Batch): JournalRecord {
  return { type: "report_settled", batchId: id };
}
