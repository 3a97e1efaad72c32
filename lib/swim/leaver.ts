/**
 * Leaving the cluster: broadcasts this node's own dead message, so that other nodes see that it left
 * and not that it failed (memberlist's `Leave`). In a Serf cluster Serf's leave intent precedes it.
 * @module
 */
import { encodeMessage } from "../wire/codec.ts";
import type { LocalNode } from "./local_node.ts";
import { inSerfCluster, leaveIntent } from "./serf.ts";

/** Options of `Leaver`. */
export interface LeaverOptions {
  readonly node: LocalNode;
  /** Runs one round of gossip now. */
  readonly gossip: () => void;
}

/** The name under which Serf's leave intent is queued. */
const INTENT = "serf leave";

/** Makes this node leave its cluster, once. */
export class Leaver {
  readonly #node: LocalNode;
  readonly #options: LeaverOptions;
  #state: "member" | "announcing" | "leaving" | "left" = "member";
  #untilMs = Infinity;
  #generation = 0;

  /** Begins with this node as a member. */
  constructor(options: LeaverOptions) {
    this.#node = options.node;
    this.#options = options;
  }

  /** Whether this node has left. */
  get left(): boolean {
    return this.#state === "left";
  }

  /** Begins to leave; emits `left` once the broadcasts are sent, after `timeoutMs` at the latest. */
  leave(timeoutMs: number): void {
    if (this.#state !== "member") return;
    const node = this.#node;
    this.#untilMs = node.nowMs() + timeoutMs;
    if (node.table.activeCount > 0 && inSerfCluster(node.self.member.versions)) {
      this.#state = "announcing";
      const payload = leaveIntent(node.name, node.serfTime + 1);
      node.broadcasts.queueApplication(INTENT, encodeMessage({ type: "user", payload }));
      this.#arm(timeoutMs / 2);
      this.#options.gossip();
      return;
    }
    this.#broadcastLeave();
  }

  /** Continues after a round of gossip, if the broadcast was transmitted often enough. */
  gossiped(): void {
    const { broadcasts, name } = this.#node;
    if (this.#state === "announcing" && !broadcasts.hasApplication(INTENT)) this.#broadcastLeave();
    else if (this.#state === "leaving" && !broadcasts.membership.has(name)) this.#finish();
  }

  /** Continues when the timer fires, even if the broadcast was not transmitted often enough. */
  timeUp(generation: number): void {
    if (generation !== this.#generation) return;
    if (this.#state === "announcing") this.#broadcastLeave();
    else if (this.#state === "leaving") this.#finish();
  }

  #broadcastLeave(): void {
    const node = this.#node;
    this.#state = "leaving";
    node.leaving = true;
    const { name, incarnation } = node.self.member;
    node.self.member = { ...node.self.member, state: "left", stateSinceMs: node.nowMs() };
    const message = encodeMessage({ type: "dead", name, incarnation, from: name });
    node.broadcasts.membership.queue(name, message);
    if (node.table.activeCount === 0) return this.#finish();
    this.#arm(Math.max(this.#untilMs - node.nowMs(), 0));
    this.#options.gossip();
  }

  #finish(): void {
    this.#state = "left";
    this.#node.emit({ type: "left" });
  }

  #arm(delayMs: number): void {
    this.#node.options.effects.setTimer(delayMs, {
      type: "leave",
      generation: ++this.#generation,
    });
  }
}
