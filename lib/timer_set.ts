/**
 * Timers that end together.
 * @module
 */
import type { Timers } from "./runtime.ts";

/** The timers of one owner. */
export class TimerSet {
  readonly #timers: Timers;
  readonly #cancels = new Set<() => void>();
  #closed = false;

  /** Takes what makes the timers. */
  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Calls back once after `delayMs`, unless the set was closed or the returned function called before. */
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

  /** Cancels all that are left; later ones never fire. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }
}
