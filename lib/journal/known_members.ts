/**
 * Saves the addresses of the known members, so that a node can rejoin its cluster after a restart
 * without `-peers` (as Serf's snapshot).
 * @module
 */
import { sameAddress } from "../address.ts";
import { StoreError } from "../errors.ts";
import { KNOWN_MEMBERS_KEEP_MS, KNOWN_MEMBERS_MAX } from "../limits.ts";
import type { Address, Clock, Log, Store, Timers } from "../runtime.ts";
import type { Member, SwimEvent } from "../swim/types.ts";
import { numberOf, textOf } from "./columns.ts";
import { TimerSet } from "../timer_set.ts";

/** Idempotent statements that create the table. */
export const KNOWN_MEMBERS_SCHEMA: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS known_member (
     name TEXT PRIMARY KEY, host TEXT NOT NULL, port INTEGER NOT NULL, gone_wall_ms INTEGER)`,
];

/** Changes within this time are written together: when a large cluster starts there are many. */
const WRITE_DELAY_MS = 200;

/** Options of `KnownMembers`. */
export interface KnownMembersOptions {
  /** Opened with `KNOWN_MEMBERS_SCHEMA`. Closed by the caller. */
  readonly store: Store;
  /** Its wall time measures how long ago a member was removed. */
  readonly clock: Clock;
  /** Delays writes. */
  readonly timers: Timers;
  /** For write errors. */
  readonly log: Log;
  /** Name of this node, which is not saved. */
  readonly self: string;
}

interface Known {
  readonly address: Address;
  /** When it was removed from the member list, in Unix milliseconds; undefined for a member. */
  readonly removedMs: number | undefined;
}

/**
 * The addresses of members in every state, also failed and left ones and members that do not run
 * gossipcheck, and of removed members for `KNOWN_MEMBERS_KEEP_MS`.
 */
export class KnownMembers {
  readonly #options: KnownMembersOptions;
  readonly #timers: TimerSet;
  readonly #known = new Map<string, Known>();
  readonly #changed = new Set<string>();
  #waiting = false;

  /** Reads the saved members, which count as removed until they join again. Raises `StoreError`. */
  constructor(options: KnownMembersOptions) {
    this.#options = options;
    this.#timers = new TimerSet(options.timers);
    const nowMs = options.clock.wallMs();
    for (const row of options.store.query("SELECT * FROM known_member ORDER BY rowid")) {
      const name = textOf(row.name);
      const removedMs = row.gone_wall_ms === null ? nowMs : numberOf(row.gone_wall_ms);
      this.#known.set(name, {
        address: { host: textOf(row.host), port: numberOf(row.port) },
        removedMs,
      });
      if (row.gone_wall_ms === null) this.#changed.add(name);
    }
    this.#deleteOld();
  }

  /** All saved addresses. */
  addresses(): Address[] {
    return Array.from(this.#known.values(), ({ address }) => address);
  }

  /** Handles an event of the membership. To be called with every event. */
  notice(event: SwimEvent): void {
    if (event.type === "member_forgotten") return this.#removed(event.name);
    if (event.type === "member_joined" || event.type === "member_updated") {
      this.#joined(event.member);
    }
  }

  /** Writes the changes. Later changes are not written. */
  close(): void {
    this.#timers.close();
    this.#write();
  }

  #joined({ name, address }: Member): void {
    if (name === this.#options.self) return;
    const before = this.#known.get(name);
    if (before === undefined && !this.#makeRoom()) return;
    const known = before?.removedMs === undefined && before && sameAddress(before.address, address);
    if (known) return;
    this.#change(name, { address, removedMs: undefined });
  }

  #removed(name: string): void {
    const before = this.#known.get(name);
    if (before === undefined) return;
    this.#change(name, { ...before, removedMs: this.#options.clock.wallMs() });
  }

  /** Evicts a removed member if the maximum is reached. Returns false if all are members. */
  #makeRoom(): boolean {
    if (this.#known.size < KNOWN_MEMBERS_MAX) return true;
    for (const [name, { removedMs }] of this.#known) {
      if (removedMs === undefined) continue;
      this.#delete(name);
      return true;
    }
    return false;
  }

  #deleteOld(): void {
    const sinceMs = this.#options.clock.wallMs() - KNOWN_MEMBERS_KEEP_MS;
    for (const [name, { removedMs }] of this.#known) {
      if (removedMs !== undefined && removedMs < sinceMs) this.#delete(name);
    }
  }

  #delete(name: string): void {
    this.#known.delete(name);
    this.#changed.add(name);
  }

  #change(name: string, known: Known): void {
    this.#known.set(name, known);
    this.#changed.add(name);
    if (this.#waiting) return;
    this.#waiting = true;
    this.#timers.after(WRITE_DELAY_MS, () => {
      this.#waiting = false;
      this.#deleteOld();
      this.#write();
    });
  }

  /** Writes the changes; if that fails, they are written with the next change. */
  #write(): void {
    const { store, log } = this.#options;
    if (this.#changed.size === 0) return;
    try {
      store.transaction(() => {
        for (const name of this.#changed) this.#writeOne(name);
      }, { lazy: true });
      this.#changed.clear();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.write("error", "store_failed", error.message);
    }
  }

  #writeOne(name: string): void {
    const { store } = this.#options;
    const known = this.#known.get(name);
    if (known === undefined) return store.run("DELETE FROM known_member WHERE name = ?", name);
    const { address: { host, port }, removedMs } = known;
    store.run(
      "INSERT OR REPLACE INTO known_member VALUES (?, ?, ?, ?)",
      name,
      host,
      port,
      removedMs ?? null,
    );
  }
}
