/**
 * Kills a daemon at a given step of a batch. Preloaded into its process: counts the writes and the
 * spawned actions of a batch, and sends the process SIGKILL right before or after one of them.
 * @module
 */
import {
  DatabaseSync,
  type SQLInputValue,
  type StatementResultingChanges,
  StatementSync,
} from "node:sqlite";

/** A step at which the daemon is killed. */
export interface CrashPoint {
  /** The number of the step, from 1. */
  readonly step: number;
  /** Whether the process is killed before or after the step. */
  readonly side: "before" | "after";
}

/** When a daemon is killed. */
export interface CrashPlan {
  /** A file. Steps of batches that the daemon first sees while it does not exist are not counted. */
  readonly marker: string;
  /** The step; without it the daemon only logs its steps. */
  readonly point?: CrashPoint;
}

/** Events that a daemon with a plan adds to its JSON log. */
export const CRASH_EVENTS = { step: "crash_step", dying: "crash_dying" } as const;

/** Tables with the state of batches. Other tables, such as that of members, are written at any time. */
const TABLES = /\b(seen|batch|run|started_action|ended_check|outcome|collection|collected)\b/;
const BATCH_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** Installs the plan in this process. Call it once, before the daemon's program is loaded. */
export function armCrash(plan: CrashPlan): void {
  new CrashCounter(plan).patch();
}

class CrashCounter {
  readonly #plan: CrashPlan;
  /** Batches first seen before the marker existed. */
  readonly #old = new Set<string>();
  readonly #command = Deno.Command;
  #steps = 0;
  #writes: string[] | undefined;

  constructor(plan: CrashPlan) {
    this.#plan = plan;
  }

  patch(): void {
    this.#patchDatabase();
    this.#patchStatements();
    this.#patchCommand();
  }

  /** Makes each transaction one step. */
  #patchDatabase(): void {
    const { exec } = DatabaseSync.prototype;
    const begin = () => this.#writes = [];
    const end = () => {
      const writes = this.#writes;
      this.#writes = undefined;
      return writes ?? [];
    };
    const step = (what: string, action: () => void) => this.#step(what, action);
    DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
      if (/^BEGIN/.test(sql)) begin();
      const writes = /^(COMMIT|ROLLBACK)/.test(sql) ? end() : [];
      if (!sql.startsWith("COMMIT") || writes.length === 0) return exec.call(this, sql);
      step(writes.join(", "), () => exec.call(this, sql));
    };
  }

  /** Makes each write outside of a transaction one step. */
  #patchStatements(): void {
    const run: (this: StatementSync, ...parameters: SQLInputValue[]) => StatementResultingChanges =
      StatementSync.prototype.run;
    const counted = (sql: string, parameters: readonly unknown[]) => {
      if (!TABLES.test(sql)) return undefined;
      const id = parameters.find((value) => typeof value === "string" && BATCH_ID.test(value));
      return typeof id === "string" && this.#counts(id) ? sql : undefined;
    };
    const write = <T>(sql: string, action: () => T): T => {
      const name = sql.replaceAll(/\s+/g, " ").trim().slice(0, 60);
      if (this.#writes === undefined) return this.#step(name, action);
      this.#writes.push(name);
      return action();
    };
    const patched = function (this: StatementSync, ...parameters: SQLInputValue[]) {
      const sql = counted(this.sourceSQL, parameters);
      return sql === undefined
        ? run.apply(this, parameters)
        : write(sql, () => run.apply(this, parameters));
    };
    StatementSync.prototype.run = patched as StatementSync["run"];
  }

  /** Makes the start of an action's process one step: the process outlives the daemon. */
  #patchCommand(): void {
    const { spawn } = this.#command.prototype;
    const step = <T>(action: () => T) => this.#step("spawn of the action", action);
    const names = new WeakMap<Deno.Command, string>();
    const counts = (id: string) => this.#counts(id);
    Deno.Command = class extends this.#command {
      constructor(program: string, options: Deno.CommandOptions) {
        super(program, options);
        names.set(this, options.env?.["GOSSIPCHECK_BATCH"] ?? "");
      }
      override spawn(): Deno.ChildProcess {
        if (!counts(names.get(this) ?? "")) return spawn.call(this);
        return step(() => spawn.call(this));
      }
    };
  }

  #counts(id: string): boolean {
    if (this.#old.has(id)) return false;
    if (id !== "" && exists(this.#plan.marker)) return true;
    this.#old.add(id);
    return false;
  }

  #step<T>(what: string, action: () => T): T {
    const { point } = this.#plan;
    const hit = ++this.#steps === point?.step;
    if (hit && point.side === "before") this.#die(what);
    const result = action();
    tell({ event: CRASH_EVENTS.step, step: this.#steps, what });
    if (hit) this.#die(what);
    return result;
  }

  /** Blocks until the process is dead. `/bin/sh` is the only program that the daemon may run. */
  #die(what: string): never {
    tell({ event: CRASH_EVENTS.dying, ...this.#plan.point, what });
    const args = ["-c", "kill -s KILL $PPID; sleep 10"];
    new this.#command("/bin/sh", { args, stdout: "null", stderr: "null" }).outputSync();
    throw new Error("the daemon survived SIGKILL");
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function tell(fields: Record<string, unknown>): void {
  const line = JSON.stringify({ time: new Date().toISOString(), ...fields }) + "\n";
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}
