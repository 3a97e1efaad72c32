/**
 * Queues progress changes of one batch for one client that follows it.
 * @module
 */

/**
 * Queues the names of nodes whose progress has changed, each at most once. A slow client gets the
 * latest progress of each node, and takes memory for one name per node.
 */
export class ProgressFeed {
  readonly #changed = new Set<string>();
  #settled = false;
  #wake: (() => void) | undefined;

  /** Adds a node whose progress has changed. */
  changed(node: string): void {
    // Late reports change progress after `settled`; they are followed by another `settled`.
    this.#changed.add(node);
    this.#wake?.();
  }

  /** Marks the batch as settled: all members have reported or are unreached. */
  settled(): void {
    this.#settled = true;
    this.#wake?.();
  }

  /** Yields node names until the batch is settled and the queue is empty, or `signal` aborts. */
  async *changes(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const wake = () => this.#wake?.();
    signal.addEventListener("abort", wake);
    try {
      while (!signal.aborted) {
        for (const node of this.#changed) {
          this.#changed.delete(node);
          yield node;
          if (signal.aborted) return;
        }
        if (this.#settled) return;
        await new Promise<void>((resolve) => this.#wake = resolve);
        this.#wake = undefined;
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }
}
