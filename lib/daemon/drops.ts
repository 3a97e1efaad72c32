/**
 * What came from a socket and was dropped, counted by reason.
 * @module
 */
import { DROP_REASONS, type DropReason } from "../errors.ts";
import type { Log } from "../runtime.ts";

/** One thing that was dropped. */
export interface Drop {
  /** Which counter it goes to. */
  readonly reason: DropReason;
  /** Who sent it: a socket address or a node's name. */
  readonly from: string;
  /** What was wrong with it, for people. */
  readonly detail: string;
}

/** Counts drops and says each; the log bounds the rate. */
export class Drops {
  readonly #log: Log;
  readonly #counts = new Map<DropReason, number>(DROP_REASONS.map((reason) => [reason, 0]));

  /** All counters start at 0. */
  constructor(options: { log: Log }) {
    this.#log = options.log;
  }

  /** Takes one. */
  add({ reason, from, detail }: Drop): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    // What comes too late or too early is everyday life among nodes; the rest is somebody's fault.
    const level = reason === "unexpected" ? "debug" : "warn";
    this.#log.write(level, "input_dropped", `dropped input from ${from}: ${detail}`, { reason });
  }

  /** How many were dropped for each reason since the start; every reason of the closed list is there. */
  counts(): ReadonlyMap<DropReason, number> {
    return this.#counts;
  }
}
