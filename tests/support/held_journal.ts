/**
 * A journal that holds back its answers, for tests of code that waits until a record is durable.
 * @module
 */
import { StoreError } from "../../lib/errors.ts";
import type { BatchStore, JournalRecord, Recorded } from "../../lib/journal/batch_store.ts";

/** A journal in memory that answers in a later microtask, or when the test calls `answer`. */
export class HeldJournal implements Pick<BatchStore, "keep"> {
  /** The records that it kept, in order. */
  readonly records: JournalRecord[] = [];
  /** If set, records fail with this message. */
  failure: string | undefined;
  readonly #held: (() => void)[] = [];
  #holds: boolean;

  /** `holds`: whether answers wait for a call of `answer`. */
  constructor({ holds = false }: { readonly holds?: boolean } = {}) {
    this.#holds = holds;
  }

  /** Number of answers that it holds back. */
  get held(): number {
    return this.#held.length;
  }

  /** The types of the records that it kept, in order. */
  get types(): JournalRecord["type"][] {
    return this.records.map(({ type }) => type);
  }

  /** Keeps a record. */
  keep(record: JournalRecord, done?: Recorded): void {
    const error = this.failure === undefined ? undefined : new StoreError(this.failure);
    if (error === undefined) this.records.push(record);
    if (done === undefined) return;
    if (this.#holds) this.#held.push(() => done(error));
    else queueMicrotask(() => done(error));
  }

  /** Releases all answers that it holds back. */
  answer(): void {
    for (const answer of this.#held.splice(0)) answer();
  }
}
