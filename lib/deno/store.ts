/**
 * The durable store on SQLite (`node:sqlite`): one file, locked by one process.
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Store, StoreValue } from "../runtime.ts";
import { StoreError } from "../errors.ts";

/** Options of a `SqliteStore`. */
export interface SqliteStoreOptions {
  /** Path of the database, whose directory must exist; `:memory:` for a database in memory. */
  readonly path: string;
  /** Idempotent statements that create the tables; run each time that the database is opened. */
  readonly schema: readonly string[];
}

/**
 * A `Store` in a SQLite file. Each commit, unless lazy, is on the disk when it returns (write-ahead
 * log, `synchronous=FULL`). The file is locked while it is open; the kernel releases the lock of a
 * killed process.
 */
export class SqliteStore implements Store {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #synchronous: "NORMAL" | "FULL" = "FULL";
  #inTransaction = false;

  /** Opens, locks and checks the database. Raises `StoreError`; the database is then closed. */
  constructor(options: SqliteStoreOptions) {
    this.#path = options.path;
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(options.path);
      database.exec("PRAGMA locking_mode=EXCLUSIVE");
      database.exec("PRAGMA journal_mode=WAL");
      database.exec("PRAGMA synchronous=FULL");
      const check = database.prepare("PRAGMA quick_check(1)").get();
      const result = check === undefined ? "no result" : Object.values(check)[0];
      if (result !== "ok") throw new Error(`database disk image is malformed: ${result}`);
      database.exec("BEGIN IMMEDIATE");
      for (const statement of options.schema) database.exec(statement);
      database.exec("COMMIT");
    } catch (cause) {
      database?.close();
      throw storeError(options.path, { cause });
    }
    this.#database = database;
  }

  /**
   * Runs one statement with its parameters, in the current transaction or in its own. Raises
   * `StoreError`.
   */
  run(sql: string, ...parameters: readonly StoreValue[]): void {
    if (!this.#inTransaction) this.#sync("FULL");
    this.#guarded(() => this.#statement(sql).run(...parameters));
  }

  /** Runs one query and returns its rows. Raises `StoreError`. */
  query(sql: string, ...parameters: readonly StoreValue[]): Record<string, StoreValue>[] {
    return this.#guarded(() =>
      this.#statement(sql).all(...parameters) as Record<string, StoreValue>[]
    );
  }

  /**
   * Runs `body` in a transaction, which is rolled back if `body` throws. Raises `StoreError`, or
   * the error of `body`.
   */
  transaction<T>(body: () => T, options: { readonly lazy?: boolean } = {}): T {
    // A commit that waits for the disk also writes all lazy commits before it to the disk.
    this.#sync(options.lazy ? "NORMAL" : "FULL");
    this.#guarded(() => this.#database.exec("BEGIN IMMEDIATE"));
    this.#inTransaction = true;
    try {
      const result = body();
      this.#guarded(() => this.#database.exec("COMMIT"));
      return result;
    } catch (error) {
      // If the disk is full SQLite has rolled back already, and ROLLBACK fails.
      try {
        this.#database.exec("ROLLBACK");
      } catch {
        // The first error is raised.
      }
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  /** Closes the database and releases its lock. */
  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #sync(synchronous: "NORMAL" | "FULL"): void {
    if (this.#synchronous === synchronous) return;
    this.#guarded(() => this.#database.exec(`PRAGMA synchronous=${synchronous}`));
    this.#synchronous = synchronous;
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guarded<T>(operation: () => T): T {
    try {
      return operation();
    } catch (cause) {
      throw storeError(this.#path, { cause });
    }
  }
}

/** Adds advice to the known errors of SQLite, which can be distinguished only by their text. */
function storeError(path: string, options: { cause: unknown }): StoreError {
  const message = options.cause instanceof Error ? options.cause.message : String(options.cause);
  const text = message.replaceAll(/\s+/g, " ");
  return new StoreError(`state database ${path}: ${text}${advice(text)}`, options);
}

function advice(text: string): string {
  if (/is locked/.test(text)) {
    return "; another daemon uses it: stop that one, or give this one another -name or -state-dir";
  }
  if (/disk is full/.test(text)) return "; free some space on that file system";
  if (/readonly|unable to open/.test(text)) {
    return "; the directory must exist and be writable by this user, or choose another -state-dir";
  }
  if (/malformed|not a database/.test(text)) {
    return "; restore it from a backup, or move it away: batches that have not expired may then run again";
  }
  return "";
}
