/**
 * Counts input from sockets that was dropped, by its reason, and logs it.
 * @module
 */
import { DROP_REASONS, type DropReason } from "../errors.ts";
import type { Log, LogLevel, Timers } from "../runtime.ts";

/** The totals are logged this long after the first drop since the last time. */
const TOTALS_INTERVAL_MS = 10_000;

/** Input that comes too late or too early is normal between nodes; all other reasons are faults. */
const EVERYDAY: ReadonlySet<DropReason> = new Set(["unexpected", "wrong_session"]);

/** One piece of input that was dropped. */
export interface Drop {
  /** The counter that it adds to. */
  readonly reason: DropReason;
  /** The sender: a socket address or a node's name. */
  readonly from: string;
  /** What was wrong with it. */
  readonly detail: string;
}

/**
 * Counts drops and logs each. The log limits its rate; the totals, logged from time to time while
 * there are drops and once at the end, include what it leaves out.
 */
export class Drops {
  readonly #log: Log;
  readonly #timers: Timers;
  readonly #counts = new Map<DropReason, number>(DROP_REASONS.map((reason) => [reason, 0]));
  #untold: LogLevel | undefined;
  #cancelTotals = () => {};

  /** All counters start at 0. */
  constructor(options: { log: Log; timers: Timers }) {
    this.#log = options.log;
    this.#timers = options.timers;
  }

  /** Counts and logs one drop. */
  add({ reason, from, detail }: Drop): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    const level = EVERYDAY.has(reason) ? "debug" : "warn";
    this.#log.write(level, "input_dropped", `dropped input from ${from}: ${detail}`, { reason });
    if (this.#untold === undefined) {
      this.#cancelTotals = this.#timers.after(TOTALS_INTERVAL_MS, () => this.#tellTotals());
    }
    if (this.#untold !== "warn") this.#untold = level;
  }

  /** How many were dropped for each reason since the start; every reason has an entry. */
  counts(): ReadonlyMap<DropReason, number> {
    return this.#counts;
  }

  /** Logs the totals if they have changed since the last time. */
  close(): void {
    this.#cancelTotals();
    this.#tellTotals();
  }

  #tellTotals(): void {
    if (this.#untold === undefined) return;
    const level = this.#untold;
    this.#untold = undefined;
    const seen = [...this.#counts].filter(([, count]) => count > 0);
    const total = seen.reduce((sum, [, count]) => sum + count, 0);
    const message = `dropped ${total} pieces of input since the start, by reason`;
    this.#log.write(level, "input_dropped_totals", message, Object.fromEntries(seen));
  }
}
