/**
 * Reaping: removes members that failed or left long ago (Serf's `handleReap`), and evicts the oldest
 * if there are too many, so that short-lived names do not grow the table (hashicorp/consul issue
 * 11970).
 * @module
 */
import type { LocalNode } from "./local_node.ts";
import type { MemberRecord } from "./members.ts";

/** Removes failed and left members from the member table. */
export class Reaper {
  readonly #node: LocalNode;

  /** Removes from the table of `node`. */
  constructor(options: { readonly node: LocalNode }) {
    this.#node = options.node;
  }

  /** Removes members that failed or left longer ago than `failedKeptMs` and `leftKeptMs`. */
  reapByTime(): void {
    const { table, settings } = this.#node;
    const now = this.#node.nowMs();
    for (const state of ["dead", "left"] as const) {
      const keptMs = state === "dead" ? settings.failedKeptMs : settings.leftKeptMs;
      let record = table.oldest(state);
      while (record !== undefined && now - record.member.stateSinceMs > keptMs) {
        this.#remove(record);
        record = table.oldest(state);
      }
    }
  }

  /** Evicts the oldest above `deadOrLeftMax`: first members that left, since failed ones may return. */
  reapByCount(): void {
    const { table, settings } = this.#node;
    while (table.deadOrLeftCount > settings.deadOrLeftMax) {
      const record = table.oldest("left") ?? table.oldest("dead");
      if (record === undefined) return;
      this.#remove(record);
    }
  }

  #remove(record: MemberRecord): void {
    const { name } = record.member;
    this.#node.table.remove(record);
    this.#node.broadcasts.membership.remove(name);
    this.#node.emit({ type: "member_forgotten", name });
  }
}
