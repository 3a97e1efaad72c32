/**
 * Records for the journal: each is written once, and its caller can wait for the answer whether it is
 * durable.
 * @module
 */
import type { DurableRecord, GossipEffects } from "./types.ts";

/** The records of one node that wait for an answer. */
export class DurableRecords {
  readonly #effects: Pick<GossipEffects, "persist">;
  readonly #waiting = new Map<number, (failure: string | undefined) => void>();
  #lastToken = 0;

  /** Waits for nothing yet. */
  constructor(options: { readonly effects: Pick<GossipEffects, "persist"> }) {
    this.#effects = options.effects;
  }

  /**
   * Writes a record. `done` is called later, never from inside this call: with why it
   * is not durable, or `undefined` if it is.
   */
  keep(record: DurableRecord, done?: (failure: string | undefined) => void): void {
    if (done === undefined) return this.#effects.persist(record, undefined);
    const token = ++this.#lastToken;
    this.#waiting.set(token, done);
    this.#effects.persist(record, token);
  }

  /** Takes an answer. Tokens that are not awaited are ignored. */
  persisted(token: number, failure: string | undefined): void {
    const done = this.#waiting.get(token);
    this.#waiting.delete(token);
    done?.(failure);
  }
}
