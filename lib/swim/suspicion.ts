/**
 * One suspicion: who confirmed it and when it runs out (Lifeguard section IV-B; memberlist's
 * `suspicion.go`). Pure: the machine sets the timers.
 * @module
 */
import { suspicionDurationMs } from "./config.ts";

/** What a suspicion is made of. */
export interface SuspicionOptions {
  /** Who accused first; its repetition confirms nothing. */
  readonly from: string;
  /** When it began, on the machine's clock. */
  readonly startMs: number;
  /** Confirmations that shorten it to `minMs`. */
  readonly wanted: number;
  /** Duration when fully confirmed. */
  readonly minMs: number;
  /** Duration when nobody confirms. */
  readonly maxMs: number;
}

/** Remembers accusers, at most one more than wanted, so it is bounded. */
export class Suspicion {
  readonly #options: SuspicionOptions;
  readonly #accusers: Set<string>;
  #startMs: number;

  /** Begins with one accuser and no confirmation. */
  constructor(options: SuspicionOptions) {
    this.#options = options;
    this.#accusers = new Set([options.from]);
    this.#startMs = options.startMs;
  }

  /** When it began, or was extended. */
  get startMs(): number {
    return this.#startMs;
  }

  /** Independent accusers after the first. */
  get confirmations(): number {
    return this.#accusers.size - 1;
  }

  /** Whether `from` is a new accuser that still counts; only then is the accusation worth passing on. */
  confirm(from: string): boolean {
    if (this.confirmations >= this.#options.wanted || this.#accusers.has(from)) return false;
    this.#accusers.add(from);
    return true;
  }

  /** Begins anew at `nowMs` with the accusers that it has: the subject was heard in between. */
  extend(nowMs: number): void {
    this.#startMs = nowMs;
  }

  /** When the subject is to be declared failed. */
  deadlineMs(): number {
    return this.#startMs + suspicionDurationMs({
      confirmations: this.confirmations,
      wanted: this.#options.wanted,
      minMs: this.#options.minMs,
      maxMs: this.#options.maxMs,
    });
  }
}
