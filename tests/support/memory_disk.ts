/**
 * The disk of a simulated node: a SQLite database in memory that outlives the node's processes.
 * @module
 */
import { SqliteStore } from "../../lib/deno/store.ts";
import { StoreError } from "../../lib/errors.ts";
import type { Store, StoreValue } from "../../lib/runtime.ts";

/** One statement that is to be carried out. */
export interface DiskWrite {
  readonly sql: string;
  readonly parameters: readonly StoreValue[];
}

/** Whatever a killed process had committed is there for the next one. */
export class MemoryDisk implements Disposable {
  /** Why a write fails; `undefined` lets it through. Absent if the disk works. */
  failure: ((write: DiskWrite) => string | undefined) | undefined;
  #database: SqliteStore | undefined;

  /** Opens the store, with the tables that `schema` makes. A store opened before is of no more use. */
  open(schema: readonly string[]): Store {
    const database = this.#database ??= new SqliteStore({ path: ":memory:", schema });
    return {
      run: (sql, ...parameters) => {
        const why = this.failure?.({ sql, parameters });
        if (why !== undefined) throw new StoreError(why);
        database.run(sql, ...parameters);
      },
      query: (sql, ...parameters) => database.query(sql, ...parameters),
      // Memory has nothing to wait for, so it makes no difference whether one is lazy.
      transaction: (body) => database.transaction(body),
      close() {},
    };
  }

  /** Runs a query on what is committed. */
  query(sql: string): Record<string, StoreValue>[] {
    return this.#database?.query(sql) ?? [];
  }

  /** Loses everything. */
  wipe(): void {
    this.#database?.close();
    this.#database = undefined;
  }

  [Symbol.dispose](): void {
    this.wipe();
  }
}
