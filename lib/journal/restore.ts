/**
 * Reads the initial state of dissemination from the tables of the journal.
 * @module
 */
import type { BatchId } from "../batch/id.ts";
import type { MemberProgress } from "../batch/progress.ts";
import type { NodeReference } from "../address.ts";
import { BATCH, type Batch, NODE_REFERENCE } from "../batch/batch.ts";
import { TARGET, type Target } from "../batch/target.ts";
import { boolean, type Codec, decodeMessage, encodeMessage, row } from "../msgpack_codec.ts";
import type {
  RestoredBatch,
  RestoredCollection,
  RestoredReport,
  RestoredState,
} from "../gossip/types.ts";
import type { Store, StoreValue } from "../runtime.ts";
import { bytesOf, numberOf, progressOf, textOf } from "./columns.ts";

/** The fields of a batch that are saved with its run, its report and its collection. */
interface Header {
  readonly origin: NodeReference;
  readonly target: Target;
  readonly held: boolean;
}

const HEADER: Codec<Header> = row<Header>({
  origin: NODE_REFERENCE,
  target: TARGET,
  held: boolean,
});

/** Encodes the header of a batch. */
export function encodeHeader({ origin, target, held }: Batch): Uint8Array {
  return encodeMessage(HEADER, { origin, target, held });
}

function headerOf(value: StoreValue | undefined): Header {
  return decodeMessage(bytesOf(value), { codec: HEADER, what: "a batch's header" });
}

/** Ids per query: a million ids take far more memory as rows than as strings. */
const IDS_PER_QUERY = 10_000;

/**
 * Reads all tables, oldest rows first. Raises `StoreError`, and `WireError` on rows of another
 * version.
 */
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
      IDS_PER_QUERY,
    );
    for (const row of rows) yield textOf(row.id);
    if (rows.length < IDS_PER_QUERY) return;
    last = numberOf(rows.at(-1)?.sequence);
  }
}

function restoredBatches(store: Store, wallMs: number): RestoredBatch[] {
  return store.query("SELECT * FROM batch ORDER BY rowid").map((row) => ({
    batch: decodeMessage(bytesOf(row.bytes), { codec: BATCH, what: "a batch" }),
    ageMs: numberOf(row.age_ms) + Math.max(0, wallMs - numberOf(row.accepted_wall_ms)),
    cancelled: row.cancelled === 1,
    released: row.released === 1,
  }));
}

function restoredCollections(store: Store): RestoredCollection[] {
  return store.query("SELECT * FROM collection ORDER BY rowid").map((row) => {
    const batchId = textOf(row.id);
    const { target, held } = headerOf(row.header);
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
    origin: headerOf(row.header).origin,
    passed: row.passed === 1,
    report: bytesOf(row.report),
  }));
}

function orInfinity(value: StoreValue | undefined): number {
  return typeof value === "number" ? value : Infinity;
}
