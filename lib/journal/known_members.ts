/**
 * The members that a node knows, kept so that it finds its cluster again after a restart without
 * being told any peer (Serf's snapshot).
 * @module
 */
import { sameAddress } from "../address.ts";
import { StoreError } from "../errors.ts";
import { KNOWN_MEMBERS_KEEP_MS, KNOWN_MEMBERS_MAX } from "../limits.ts";
import type { Address, Clock, Log, Store, Timers } from "../runtime.ts";
import type { Member, SwimEvent } from "../swim/types.ts";
import { numberOf, textOf } from "./columns.ts";
import { TimerSet } from "../timer_set.ts";

/** Brings a store to the layout; each statement may be run again and again. */
export const KNOWN_MEMBERS_SCHEMA: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS known_member (
     name TEXT PRIMARY KEY, host TEXT NOT NULL, port INTEGER NOT NULL, gone_wall_ms INTEGER)`,
];

/** Changes of so long are written at once: a large cluster that starts makes many. */
const WRITE_DELAY_MS = 200;

/** What it is made with. */
export interface KnownMembersOptions {
  /** Opened with `KNOWN_MEMBERS_SCHEMA`. Closed by its owner. */
  readonly store: Store;
  /** Who is no member any more is forgotten by its wall time. */
  readonly clock: Clock;
  /** Puts writing off. */
  readonly timers: Timers;
  /** Says where writing fails. */
  readonly log: Log;
  /** This node, which does not join itself. */
  readonly self: string;
}

interface Known {
  readonly address: Address;
  /** Since when it is no member any more, in Unix milliseconds. */
  readonly goneMs: number | undefined;
}

/** Members of every kind and state, foreign, failed and left ones too: any may be there tomorrow. */
export class KnownMembers {
  readonly #options: KnownMembersOptions;
  readonly #timers: TimerSet;
  readonly #known = new Map<string, Known>();
  readonly #changed = new Set<string>();
  #waiting = false;

  /** Reads who was known. Raises `StoreError`. */
  constructor(options: KnownMembersOptions) {
    this.#options = options;
    this.#timers = new TimerSet(options.timers);
    const nowMs = options.clock.wallMs();
    for (const row of options.store.query("SELECT * FROM known_member ORDER BY rowid")) {
      const name = textOf(row.name);
      const goneMs = row.gone_wall_ms === null ? nowMs : numberOf(row.gone_wall_ms);
      this.#known.set(name, {
        address: { host: textOf(row.host), port: numberOf(row.port) },
        goneMs,
      });
      if (row.gone_wall_ms === null) this.#changed.add(name);
    }
    this.#forgetOld();
  }

  /** Where they are. */
  addresses(): Address[] {
    return Array.from(this.#known.values(), ({ address }) => address);
  }

  /** Takes every event of the membership. */
  notice(event: SwimEvent): void {
    if (event.type === "member_forgotten") return this.#gone(event.name);
    if (event.type === "member_joined" || event.type === "member_updated") {
      this.#there(event.member);
    }
  }

  /** Writes what has changed, and nothing after that. */
  close(): void {
    this.#timers.close();
    this.#write();
  }

  #there({ name, address }: Member): void {
    if (name === this.#options.self) return;
    const before = this.#known.get(name);
    if (before === undefined && !this.#makeRoom()) return;
    const known = before?.goneMs === undefined && before && sameAddress(before.address, address);
    if (known) return;
    this.#change(name, { address, goneMs: undefined });
  }

  #gone(name: string): void {
    const before = this.#known.get(name);
    if (before === undefined) return;
    this.#change(name, { ...before, goneMs: this.#options.clock.wallMs() });
  }

  /** Those that are no members make room; members do not make room for one another. */
  #makeRoom(): boolean {
    if (this.#known.size < KNOWN_MEMBERS_MAX) return true;
    for (const [name, { goneMs }] of this.#known) {
      if (goneMs === undefined) continue;
      this.#forget(name);
      return true;
    }
    return false;
  }

  #forgetOld(): void {
    const sinceMs = this.#options.clock.wallMs() - KNOWN_MEMBERS_KEEP_MS;
    for (const [name, { goneMs }] of this.#known) {
      if (goneMs !== undefined && goneMs < sinceMs) this.#forget(name);
    }
  }

  #forget(name: string): void {
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
      this.#forgetOld();
      this.#write();
    });
  }

  /** Where it fails, what has changed is written with the next change. */
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
    const { address: { host, port }, goneMs } = known;
    store.run(
      "INSERT OR REPLACE INTO known_member VALUES (?, ?, ?, ?)",
      name,
      host,
      port,
      goneMs ?? null,
    );
  }
}
