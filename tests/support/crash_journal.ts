/**
 * What a dead node's database says.
 * @module
 */
import { join } from "@std/path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import type { CheckResult } from "../../lib/checks/check.ts";
import { decodeResults } from "../../lib/checks/codec.ts";

/** A node's own part of one batch. */
export interface JournalOutcome {
  /** Which batch. */
  readonly batchId: string;
  /** Whether the origin has confirmed it, or it was given up. */
  readonly settled: boolean;
  /** What it found. */
  readonly results: readonly CheckResult[];
}

/** The outcomes in the database of a node that was killed or has nothing to do. */
export function journalOutcomes(stateDirectory: string): JournalOutcome[] {
  return readCopy(stateDirectory, "SELECT id, settled, body FROM outcome").map((row) => ({
    batchId: String(row["id"]),
    settled: row["settled"] === 1,
    results: decodeResults(row["body"] as Uint8Array),
  }));
}

/** The names of the members that the node would look for after a restart. */
export function journalMembers(stateDirectory: string): string[] {
  return readCopy(stateDirectory, "SELECT name FROM known_member").map((row) =>
    String(row["name"])
  );
}

/** A copy is read, so that the node itself finds what its death has left. */
function readCopy(stateDirectory: string, sql: string): Record<string, SQLOutputValue>[] {
  const copy = Deno.makeTempDirSync({ prefix: "gossipcheck-journal-" });
  try {
    const files = Array.from(Deno.readDirSync(stateDirectory), ({ name }) => name)
      .filter((name) => /\.db(-wal)?$/.test(name));
    for (const name of files) Deno.copyFileSync(join(stateDirectory, name), join(copy, name));
    const main = files.find((name) => name.endsWith(".db"));
    if (main === undefined) throw new Error(`no database is in ${stateDirectory}`);
    using database = new DatabaseSync(join(copy, main));
    return database.prepare(sql).all();
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
}
