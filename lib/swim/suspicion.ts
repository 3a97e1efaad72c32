/**
 * One suspicion: its confirmations and its deadline (Lifeguard section IV-B; memberlist's
 * `suspicion.go`). `suspicion_timers.ts` sets the timers.
 * @module
 */
import { suspicionDurationMs } from "./config.ts";

/** Options of a suspicion. */
export interface SuspicionOptions {
  /** The node that suspected the member first; the same node cannot confirm. */
  readonly from: string;
  /** Start on the machine's clock. */
  readonly startMs: number;
  /** Confirmations that shorten the timeout to `minMs`. */
  readonly wanted: number;
  /** Timeout of a fully confirmed suspicion. */
  readonly minMs: number;
  /** Timeout of an unconfirmed suspicion. */
  readonly maxMs: number;
}

/** A suspicion whose timeout shrinks as other nodes confirm it. Counts no more than `wanted`. */
export class Suspicion {
  readonly #options: SuspicionOptions;
  /** The nodes that suspect the member. */
  readonly #accusers: Set<string>;
  #startMs: number;

  /** Begins without confirmations. */
  constructor(options: SuspicionOptions) {
    this.#options = options;
    this.#accusers = new Set([options.from]);
    this.#startMs = options.startMs;
  }

  /** Time at which it began or was last extended. */
  get startMs(): number {
    return this.#startMs;
  }

  /** Number of other nodes that have confirmed it. */
  get confirmations(): number {
    return this.#accusers.size - 1;
  }

  /** Adds a confirmation by node `from`. Returns false if it does not count; then do not rebroadcast it. */
  confirm(from: string): boolean {
    if (this.confirmations >= this.#options.wanted || this.#accusers.has(from)) return false;
    this.#accusers.add(from);
    return true;
  }

  /** Restarts the timeout at `nowMs` and keeps the confirmations: the member has answered meanwhile. */
  extend(nowMs: number): void {
    this.#startMs = nowMs;
  }

  /** Time at which to declare the member failed. */
  deadlineMs(): number {
    return this.#startMs + suspicionDurationMs({
      confirmations: this.confirmations,
      wanted: this.#options.wanted,
      minMs: this.#options.minMs,
      maxMs: this.#options.maxMs,
    });
  }
}
