/**
 * Virtual time for tests.
 * @module
 */
import type { Clock, Timers } from "../../lib/runtime.ts";

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A clock with timers that advances only when a test calls `pass`. Starts at 0 ms; the wall clock
 * at `wallStartMs`.
 */
export class VirtualTime implements Clock, Timers {
  readonly #due = new Set<Due>();
  readonly #wallStartMs: number;
  #nowMs = 0;
  #order = 0;

  constructor(options: { wallStartMs?: number } = {}) {
    this.#wallStartMs = options.wallStartMs ?? Date.UTC(2025, 0, 1);
  }

  /** Milliseconds since the start. */
  nowMs(): number {
    return this.#nowMs;
  }

  /** Milliseconds since the Unix epoch. */
  wallMs(): number {
    return this.#wallStartMs + this.#nowMs;
  }

  /** Number of pending timers. */
  get pending(): number {
    return this.#due.size;
  }

  /** Time until the next timer, in milliseconds; undefined without one. */
  get nextInMs(): number | undefined {
    const next = this.#next();
    return next && next.atMs - this.#nowMs;
  }

  /** Calls back after `delayMs` of virtual time. */
  after(delayMs: number, callback: () => void): () => void {
    const due = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#due.add(due);
    return () => this.#due.delete(due);
  }

  /** Advances the time: fires due timers in order, and lets promises settle after each. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (let due; (due = this.#next()) !== undefined && due.atMs <= untilMs;) {
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      this.#due.delete(due);
      due.callback();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  #next(): Due | undefined {
    return [...this.#due].sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
  }
}

/**
 * Lets all promises settle that can: a timer fires after all microtasks. (A message port would not
 * do, because Deno delivers its messages by promises.)
 */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
