/**
 * Reads the database of a dead or idle node.
 * @module
 */
import { join } from "@std/path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import type { CheckResult } from "../../lib/batch/check.ts";
import { decodeReport } from "../../lib/batch/report.ts";

/** A node's own results of a batch. */
export interface JournalOutcome {
  /** The id of the batch. */
  readonly batchId: string;
  /** Whether the origin has acknowledged them, or the node has given up. */
  readonly settled: boolean;
  /** The results. */
  readonly results: readonly CheckResult[];
}

/** Returns the outcomes in the database of a node. */
export function journalOutcomes(stateDirectory: string): JournalOutcome[] {
  return readCopy(stateDirectory, "SELECT id, settled, report FROM outcome").map((row) => ({
    batchId: String(row["id"]),
    settled: row["settled"] === 1,
    results: resultsOf(row["report"] as Uint8Array),
  }));
}

/** Returns the names of the members that the node would join after a restart. */
export function journalMembers(stateDirectory: string): string[] {
  return readCopy(stateDirectory, "SELECT name FROM known_member").map((row) =>
    String(row["name"])
  );
}

function resultsOf(bytes: Uint8Array): readonly CheckResult[] {
  const report = decodeReport(bytes);
  return report.type === "checks" ? report.results : [];
}

/** Queries a copy, so that the node finds its files as its crash left them. */
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
