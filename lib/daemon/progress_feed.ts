/**
 * What changes in one batch, for one client that follows it.
 * @module
 */

/**
 * Node names whose progress changed, each at most once until it is taken: a client that reads
 * slowly sees every node's latest state, and costs one name a node.
 */
export class ProgressFeed {
  readonly #changed = new Set<string>();
  #settled = false;
  #wake: (() => void) | undefined;

  /** A node's progress is not what it was. */
  changed(node: string): void {
    // What changes after the end ("settled" comes again after late reports) makes it open again.
    this.#changed.add(node);
    this.#wake?.();
  }

  /** All have answered. */
  settled(): void {
    this.#settled = true;
    this.#wake?.();
  }

  /** Names as they change, until all have answered and every change was taken, or `signal` aborts. */
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
