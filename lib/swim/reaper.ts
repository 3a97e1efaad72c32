/**
 * Forgetting: by time, and by count, so that names that come and go cannot grow the table
 * (hashicorp/consul issue 11970).
 * @module
 */
import type { Core } from "./core.ts";
import type { MemberRecord } from "./members.ts";

/** Forgets who is long gone. */
export class Reaper {
  readonly #core: Core;

  /** Works on the table of `core`. */
  constructor(options: { readonly core: Core }) {
    this.#core = options.core;
  }

  /** Forgets whose time is up. */
  reapByTime(): void {
    const { table, settings } = this.#core;
    const now = this.#core.nowMs();
    for (const state of ["dead", "left"] as const) {
      const keptMs = state === "dead" ? settings.failedKeptMs : settings.leftKeptMs;
      let record = table.oldest(state);
      while (record !== undefined && now - record.member.stateSinceMs > keptMs) {
        this.#forget(record);
        record = table.oldest(state);
      }
    }
  }

  /** Forgets the longest gone past the bound; those that left first, for failed ones may return. */
  reapByCount(): void {
    const { table, settings } = this.#core;
    while (table.goneCount > settings.goneKeptMax) {
      const record = table.oldest("left") ?? table.oldest("dead");
      if (record === undefined) return;
      this.#forget(record);
    }
  }

  #forget(record: MemberRecord): void {
    const { name } = record.member;
    this.#core.table.remove(record);
    this.#core.broadcasts.membership.remove(name);
    this.#core.emit({ type: "member_forgotten", name });
  }
}
