/**
 * Local health (Lifeguard section IV-A): how far this node trusts its own probes.
 * @module
 */

/** A score from 0, healthy, up to a bound; memberlist's `awareness.go`. */
export class Awareness {
  readonly #maxMultiplier: number;
  #score = 0;

  /** `maxMultiplier` is `SwimSettings.awarenessMaxMultiplier`. */
  constructor(options: { readonly maxMultiplier: number }) {
    this.#maxMultiplier = options.maxMultiplier;
  }

  /** 0 is healthy; at most one below the multiplier. */
  get score(): number {
    return this.#score;
  }

  /** Adds `delta`, within the bounds. Positive is worse. */
  apply(delta: number): void {
    this.#score = Math.min(Math.max(this.#score + delta, 0), this.#maxMultiplier - 1);
  }

  /** `durationMs` stretched by the score. */
  scale(durationMs: number): number {
    return durationMs * (this.#score + 1);
  }
}
