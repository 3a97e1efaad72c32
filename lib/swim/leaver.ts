/**
 * Leaving: told until it was told often enough, so that others see a member that left and not one
 * that failed (memberlist's `Leave`; in a Serf cluster Serf's, which announces it before).
 * @module
 */
import { encodeMessage } from "../wire/codec.ts";
import type { Core } from "./core.ts";
import { inSerfCluster, leaveIntent } from "./serf.ts";

/** What leaving is made of. */
export interface LeaverOptions {
  /** Shared state. */
  readonly core: Core;
  /** Does one round of gossip now. */
  readonly gossip: () => void;
}

/** The name under which Serf's word for leaving is queued. */
const INTENT = "serf leave";

/** Takes a node out of its cluster, once. */
export class Leaver {
  readonly #core: Core;
  readonly #options: LeaverOptions;
  #state: "in" | "announcing" | "leaving" | "left" = "in";
  #untilMs = Infinity;
  #generation = 0;

  /** Begins with the node in. */
  constructor(options: LeaverOptions) {
    this.#core = options.core;
    this.#options = options;
  }

  /** Whether it is over. */
  get left(): boolean {
    return this.#state === "left";
  }

  /** Begins. Everything is over after `timeoutMs` at the latest. */
  leave(timeoutMs: number): void {
    if (this.#state !== "in") return;
    const core = this.#core;
    this.#untilMs = core.nowMs() + timeoutMs;
    if (core.table.activeCount > 0 && inSerfCluster(core.self.member.versions)) {
      this.#state = "announcing";
      const payload = leaveIntent(core.name, core.serfTime + 1);
      core.broadcasts.queueApplication(INTENT, encodeMessage({ type: "user", payload }));
      this.#arm(timeoutMs / 2);
      this.#options.gossip();
      return;
    }
    this.#sayGoodbye();
  }

  /** News was gossiped: what was said may now have been said often enough. */
  gossiped(): void {
    const { broadcasts, name } = this.#core;
    if (this.#state === "announcing" && !broadcasts.hasApplication(INTENT)) this.#sayGoodbye();
    else if (this.#state === "leaving" && !broadcasts.membership.has(name)) this.#finish();
  }

  /** The time for what is being said is up. */
  timeUp(generation: number): void {
    if (generation !== this.#generation) return;
    if (this.#state === "announcing") this.#sayGoodbye();
    else if (this.#state === "leaving") this.#finish();
  }

  #sayGoodbye(): void {
    const core = this.#core;
    this.#state = "leaving";
    core.leaving = true;
    const { name, incarnation } = core.self.member;
    core.self.member = { ...core.self.member, state: "left", stateSinceMs: core.nowMs() };
    const goodbye = encodeMessage({ type: "dead", name, incarnation, from: name });
    core.broadcasts.membership.queue(name, goodbye);
    if (core.table.activeCount === 0) return this.#finish();
    this.#arm(Math.max(this.#untilMs - core.nowMs(), 0));
    this.#options.gossip();
  }

  #finish(): void {
    this.#state = "left";
    this.#core.emit({ type: "left" });
  }

  #arm(delayMs: number): void {
    this.#core.options.effects.setTimer(delayMs, {
      type: "leave",
      generation: ++this.#generation,
    });
  }
}
