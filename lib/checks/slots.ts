/**
 * A bounded number of slots, given out in the order of asking.
 * @module
 */

/** Turns for at most so many at once. */
export class Slots {
  #free: number;
  /** Longest waiting first: a Set forgets in constant time and keeps the order. */
  readonly #waiting = new Set<() => void>();

  /** `count` is at least 1. */
  constructor(options: { count: number }) {
    this.#free = options.count;
  }

  /** Resolves true when it is this caller's turn, who then owes a `release`; false once aborted. */
  acquire(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const onAbort = () => {
        this.#waiting.delete(onTurn);
        resolve(false);
      };
      const onTurn = () => {
        signal.removeEventListener("abort", onAbort);
        resolve(true);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(onTurn);
    });
  }

  /** Ends a turn; the next one waiting has it. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
