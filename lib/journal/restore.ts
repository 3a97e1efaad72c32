/**
 * What dissemination starts from, read from the journal's tables.
 * @module
 */
import { decodeBatch } from "../gossip/codec.ts";
import type {
  BatchId,
  MemberProgress,
  RestoredBatch,
  RestoredCollection,
  RestoredReport,
  RestoredState,
} from "../gossip/types.ts";
import type { Store, StoreValue } from "../runtime.ts";
import { bytesOf, numberOf, progressOf, textOf } from "./columns.ts";

/** Ids are read so many at a time: a million of them as rows would take far more room than as ids. */
const IDS_AT_ONCE = 10_000;

/** Everything, oldest first. Raises `StoreError`, and `WireError` on rows of another release. */
export function restoredState(
  store: Store,
  { wallMs }: { wallMs: number },
): RestoredState & { readonly batches: readonly RestoredBatch[] } {
  return {
    seen: seenIds(store),
    batches: restoredBatches(store, wallMs),
    collections: restoredCollections(store),
    reports: restoredReports(store),
  };
}

function* seenIds(store: Store): Generator<BatchId> {
  for (let last = -1;;) {
    const rows = store.query(
      "SELECT sequence, id FROM seen WHERE sequence > ? ORDER BY sequence LIMIT ?",
      last,
      IDS_AT_ONCE,
    );
    for (const row of rows) yield textOf(row.id);
    if (rows.length < IDS_AT_ONCE) return;
    last = numberOf(rows.at(-1)?.sequence);
  }
}

function restoredBatches(store: Store, wallMs: number): RestoredBatch[] {
  return store.query("SELECT * FROM batch ORDER BY rowid").map((row) => ({
    batch: decodeBatch(bytesOf(row.bytes)),
    ageMs: numberOf(row.age_ms) + Math.max(0, wallMs - numberOf(row.accepted_wall_ms)),
    cancelled: row.cancelled === 1,
    released: row.released === 1,
  }));
}

function restoredCollections(store: Store): RestoredCollection[] {
  return store.query("SELECT * FROM collection ORDER BY rowid").map((row) => {
    const batchId = textOf(row.id);
    const { target, held } = decodeBatch(bytesOf(row.header));
    const rollout = row.stage_size === null ? {} : {
      rollout: {
        stageSize: orInfinity(row.stage_size),
        maxFailures: orInfinity(row.max_failures),
      },
    };
    return { batchId, target, held, members: restoredMembers(store, batchId), ...rollout };
  });
}

function restoredMembers(store: Store, batchId: BatchId): Map<string, MemberProgress> {
  const rows = store.query("SELECT * FROM collected WHERE id = ? ORDER BY position", batchId);
  return new Map(rows.map((row) => [textOf(row.node), progressOf(row)]));
}

function restoredReports(store: Store): RestoredReport[] {
  return store.query("SELECT * FROM outcome WHERE settled = 0 ORDER BY rowid").map((row) => ({
    batchId: textOf(row.id),
    origin: decodeBatch(bytesOf(row.header)).origin,
    passed: row.passed === 1,
    body: bytesOf(row.body),
  }));
}

function orInfinity(value: StoreValue | undefined): number {
  return typeof value === "number" ? value : Infinity;
}
