/**
 * A counting semaphore: limits how many callers hold a slot at once, first come first served.
 * @module
 */

/** A counting semaphore whose waiting callers can give up. */
export class Slots {
  #free: number;
  /**
   * Waiting callers, the longest waiting first. A Set keeps the order and deletes in constant time.
   */
  readonly #waiting = new Set<() => void>();

  /** `count` is the number of slots, at least 1. */
  constructor(options: { count: number }) {
    this.#free = options.count;
  }

  /**
   * Resolves true when the caller has a slot, which it must `release`; false if `signal` aborts
   * first.
   */
  acquire(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const onAbort = () => {
        this.#waiting.delete(onSlot);
        resolve(false);
      };
      const onSlot = () => {
        signal.removeEventListener("abort", onAbort);
        resolve(true);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(onSlot);
    });
  }

  /** Releases a slot; the longest waiting caller gets it. */
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
