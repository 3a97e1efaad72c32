/**
 * A set of timers that are cancelled together.
 * @module
 */
import type { Timers } from "./runtime.ts";

/** Starts timers on `Timers`, and cancels those that have not fired when it is closed. */
export class TimerSet {
  readonly #timers: Timers;
  readonly #cancels = new Set<() => void>();
  #closed = false;

  /** Starts without timers. */
  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Calls back once after `delayMs`, unless the set is closed or the returned function is called
   * before.
   */
  after(delayMs: number, callback: () => void): () => void {
    if (this.#closed) return () => {};
    const cancel = this.#timers.after(delayMs, () => {
      this.#cancels.delete(cancel);
      callback();
    });
    this.#cancels.add(cancel);
    return () => {
      this.#cancels.delete(cancel);
      cancel();
    };
  }

  /** Cancels all timers. Timers that are started later never fire. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }
}
