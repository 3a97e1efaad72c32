/**
 * What came from a socket and was dropped, counted by reason.
 * @module
 */
import { DROP_REASONS, type DropReason } from "../errors.ts";
import type { Log, LogLevel, Timers } from "../runtime.ts";

/** The totals are told this long after the first drop since they were last told. */
const TOTALS_INTERVAL_MS = 10_000;

/** What comes too late or too early is everyday life among nodes; the rest is somebody's fault. */
const EVERYDAY: ReadonlySet<DropReason> = new Set(["unexpected", "wrong_session"]);

/** One thing that was dropped. */
export interface Drop {
  /** Which counter it goes to. */
  readonly reason: DropReason;
  /** Who sent it: a socket address or a node's name. */
  readonly from: string;
  /** What was wrong with it, for people. */
  readonly detail: string;
}

/**
 * Counts drops and says each; the log bounds the rate of that. What it leaves out stands in the
 * totals, which are told every so often while there are drops, and once more at the end.
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

  /** Takes one. */
  add({ reason, from, detail }: Drop): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    const level = EVERYDAY.has(reason) ? "debug" : "warn";
    this.#log.write(level, "input_dropped", `dropped input from ${from}: ${detail}`, { reason });
    if (this.#untold === undefined) {
      this.#cancelTotals = this.#timers.after(TOTALS_INTERVAL_MS, () => this.#tellTotals());
    }
    if (this.#untold !== "warn") this.#untold = level;
  }

  /** How many were dropped for each reason since the start; every reason of the closed list is there. */
  counts(): ReadonlyMap<DropReason, number> {
    return this.#counts;
  }

  /** Tells the totals where they changed since they were last told. */
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
