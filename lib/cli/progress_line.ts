/**
 * The progress line of a batch on stderr, redrawn in place.
 * @module
 */
import type { Clock, Timers } from "../runtime.ts";
import type { RolloutStanding } from "../batch/progress.ts";
import { type BatchCounts, skippedCount } from "./batch_view.ts";

/** Moves to the start of the line and erases it: ECMA-48, sections 8.3.15 (CR) and 8.3.41 (EL). */
const ERASE_LINE = "\r\x1b[K";
/** Time between two redraws. */
const REDRAW_MS = 100;

/** Options of `ProgressLine`. */
export interface ProgressLineOptions {
  /** Whether stderr is a terminal; otherwise nothing is written. */
  readonly live: boolean;
  /** Writes to stderr. */
  readonly write: (text: string) => void;
  /** For the elapsed time. */
  readonly clock: Clock;
  /** For redrawing while no results arrive. */
  readonly timers: Timers;
  /** The counts to show, read at each redraw. */
  readonly counts: () => BatchCounts;
  /** The state of the roll-out, read at each redraw; undefined for a batch without stages. */
  readonly rollout: () => RolloutStanding | undefined;
}

/** A progress line that is drawn from `start` to `stop`. */
export class ProgressLine {
  readonly #options: ProgressLineOptions;
  readonly #startMs: number;
  #cancel: (() => void) | undefined;

  /** Draws nothing yet; the elapsed time counts from here. */
  constructor(options: ProgressLineOptions) {
    this.#options = options;
    this.#startMs = options.clock.nowMs();
  }

  /** Draws the line now and every 100 ms. */
  start(): void {
    if (!this.#options.live) return;
    this.#options.write(ERASE_LINE + this.#text());
    this.#cancel = this.#options.timers.after(REDRAW_MS, () => this.start());
  }

  /** Erases the line. */
  stop(): void {
    if (this.#cancel === undefined) return;
    this.#cancel();
    this.#cancel = undefined;
    this.#options.write(ERASE_LINE);
  }

  #text(): string {
    const { counts, rollout, clock } = this.#options;
    const now = counts();
    const staged = rollout();
    const skipped = skippedCount(now);
    return [
      `${now.answered}/${now.nodes} answered`,
      ...(now.unreached === 0 ? [] : [`${now.unreached} unreached`]),
      ...(skipped === 0 ? [] : [`${skipped} skipped`]),
      `${now.notPassing} failing`,
      ...(staged === undefined ? [] : [`stage ${staged.stage}/${staged.stages}`]),
      `${((clock.nowMs() - this.#startMs) / 1_000).toFixed(1)}s`,
    ].join(", ");
  }
}
