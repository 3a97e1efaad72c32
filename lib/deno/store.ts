/**
 * The durable store on SQLite (`node:sqlite`), one file that one process holds at a time.
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Store, StoreValue } from "../runtime.ts";
import { StoreError } from "../errors.ts";

/** What `SqliteStore` needs to know. */
export interface SqliteStoreOptions {
  /** The database file; its folder must exist. `:memory:` keeps all in memory. */
  readonly path: string;
  /** Statements that bring an empty database to the present layout; run at each opening, so idempotent. */
  readonly schema: readonly string[];
}

/**
 * A `Store` whose every commit is on the disk when it returns (write-ahead log, `synchronous=FULL`),
 * lazy ones aside, and whose file is locked for as long as it is open: the lock is the kernel's, so a killed
 * process never leaves one behind.
 */
export class SqliteStore implements Store {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #synchronous: "NORMAL" | "FULL" = "FULL";
  #inTransaction = false;

  /** Opens, locks and checks the database. Raises `StoreError`, with nothing left open. */
  constructor(options: SqliteStoreOptions) {
    this.#path = options.path;
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(options.path);
      database.exec("PRAGMA locking_mode=EXCLUSIVE");
      database.exec("PRAGMA journal_mode=WAL");
      database.exec("PRAGMA synchronous=FULL");
      const check = database.prepare("PRAGMA quick_check(1)").get();
      const verdict = check === undefined ? "no answer" : Object.values(check)[0];
      if (verdict !== "ok") throw new Error(`database disk image is malformed: ${verdict}`);
      database.exec("BEGIN IMMEDIATE");
      for (const statement of options.schema) database.exec(statement);
      database.exec("COMMIT");
    } catch (cause) {
      database?.close();
      throw storeError(options.path, { cause });
    }
    this.#database = database;
  }

  /** Runs one statement with its parameters, inside a transaction or as one. Raises `StoreError`. */
  run(sql: string, ...parameters: readonly StoreValue[]): void {
    if (!this.#inTransaction) this.#sync("FULL");
    this.#guarded(() => this.#statement(sql).run(...parameters));
  }

  /** The rows of one query. Raises `StoreError`. */
  query(sql: string, ...parameters: readonly StoreValue[]): Record<string, StoreValue>[] {
    return this.#guarded(() =>
      this.#statement(sql).all(...parameters) as Record<string, StoreValue>[]
    );
  }

  /** Runs `body` whole or not at all. Raises `StoreError`, or what `body` raised. */
  transaction<T>(body: () => T, options: { readonly lazy?: boolean } = {}): T {
    // In a write-ahead log the next commit that waits for the disk waits for all before it too.
    this.#sync(options.lazy ? "NORMAL" : "FULL");
    this.#guarded(() => this.#database.exec("BEGIN IMMEDIATE"));
    this.#inTransaction = true;
    try {
      const result = body();
      this.#guarded(() => this.#database.exec("COMMIT"));
      return result;
    } catch (error) {
      // A full disk makes SQLite roll back by itself; then this second one has nothing to do.
      try {
        this.#database.exec("ROLLBACK");
      } catch {
        // The first error is the one that matters.
      }
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  /** Closes the database and lets go of its lock. */
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

/** SQLite tells its errors apart by text alone here, so the known texts get advice and others stay as they are. */
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
    return "; the folder must exist and be writable by this user, or choose another -state-dir";
  }
  if (/malformed|not a database/.test(text)) {
    return "; restore it from a backup, or move it away and accept that batches still valid may run again";
  }
  return "";
}
