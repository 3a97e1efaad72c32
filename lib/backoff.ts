/**
 * Exponential back-off with jitter: the delay before a retry.
 * @module
 */
import type { Random } from "./runtime.ts";

/** Maximum share of a delay that jitter adds or subtracts. */
const JITTER = 0.25;
/** Doublings after this change nothing: any delay has reached its maximum. */
const DOUBLINGS_MAX = 30;

/** Adds jitter to a delay, at random up to 25 % up or down, so that nodes do not retry in step. */
export function withJitter(delayMs: number, random: Pick<Random, "next">): number {
  return delayMs * (1 - JITTER + 2 * JITTER * random.next());
}

/**
 * The delay after an attempt, in milliseconds: `firstMs` after attempt 0, doubled with each attempt
 * up to `maxMs`, with jitter.
 *
 * @example
 *
 *     const delayMs = backoffMs({ attempt: 3, firstMs: 1_000, maxMs: 60_000, random }); // 6 to 10 s
 */
export function backoffMs(options: {
  readonly attempt: number;
  readonly firstMs: number;
  readonly maxMs: number;
  readonly random: Pick<Random, "next">;
}): number {
  const { attempt, firstMs, maxMs, random } = options;
  return withJitter(Math.min(maxMs, firstMs * 2 ** Math.min(attempt, DOUBLINGS_MAX)), random);
}
