/**
 * Local health awareness (Lifeguard section IV-A; memberlist's `awareness.go`): a node whose own
 * probes fail gives other members more time to answer.
 * @module
 */

/** The local health score: 0 is healthy; it stretches the probe interval as it rises. */
export class Awareness {
  readonly #maxMultiplier: number;
  #score = 0;

  /** Begins with score 0. `maxMultiplier` is `SwimSettings.awarenessMaxMultiplier`. */
  constructor(options: { readonly maxMultiplier: number }) {
    this.#maxMultiplier = options.maxMultiplier;
  }

  /** The score, from 0 to `maxMultiplier - 1`. */
  get score(): number {
    return this.#score;
  }

  /** Adds `delta` to the score, within its range. A positive delta means worse health. */
  apply(delta: number): void {
    this.#score = Math.min(Math.max(this.#score + delta, 0), this.#maxMultiplier - 1);
  }

  /** Returns `durationMs` multiplied by the score plus one. */
  scale(durationMs: number): number {
    return durationMs * (this.#score + 1);
  }
}
