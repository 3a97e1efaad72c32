/**
 * The line on stderr that shows how far a batch is, redrawn in place.
 * @module
 */
import type { Clock, Timers } from "../runtime.ts";
import type { RolloutStanding } from "../gossip/stages.ts";
import { type BatchCounts, skippedCount } from "./batch_view.ts";

/** Erases the line and goes to its start: ECMA-48, sections 8.3.15 (CR) and 8.3.41 (EL). */
const ERASE_LINE = "\r\x1b[K";
/** Often enough to look alive, seldom enough for any terminal. */
const REDRAW_MS = 100;

/** What a `ProgressLine` is made of. */
export interface ProgressLineOptions {
  /** Whether there is a terminal to draw on; without, nothing is ever written. */
  readonly live: boolean;
  /** Writes to that terminal. */
  readonly write: (text: string) => void;
  /** For the elapsed time. */
  readonly clock: Clock;
  /** For redrawing while nothing comes. */
  readonly timers: Timers;
  /** What to show, read at each redraw. */
  readonly counts: () => BatchCounts;
  /** Which stage of a roll-out, read at each redraw; undefined where there are no stages. */
  readonly rollout: () => RolloutStanding | undefined;
}

/** Draws from `start` to `stop`. */
export class ProgressLine {
  readonly #options: ProgressLineOptions;
  readonly #startMs: number;
  #cancel: (() => void) | undefined;

  /** Draws nothing yet; time is counted from here. */
  constructor(options: ProgressLineOptions) {
    this.#options = options;
    this.#startMs = options.clock.nowMs();
  }

  /** Draws now and from time to time. */
  start(): void {
    if (!this.#options.live) return;
    this.#options.write(ERASE_LINE + this.#text());
    this.#cancel = this.#options.timers.after(REDRAW_MS, () => this.start());
  }

  /** Takes the line away. */
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
