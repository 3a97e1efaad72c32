/**
 * A journal in memory, by the rules that the daemon's keeps: it takes events, and gives after a
 * crash what a machine needs to go on.
 * @module
 */
import type { GossipSettings } from "../../lib/gossip/settings.ts";
import type {
  Batch,
  BatchId,
  GossipEvent,
  MemberProgress,
  NodeReference,
  RestoredBatch,
  RestoredCollection,
  RestoredReport,
  RestoredState,
} from "../../lib/gossip/types.ts";

interface Kept {
  readonly batch: Batch;
  readonly ageMs: number;
  readonly keptAtWallMs: number;
  cancelled: boolean;
  released: boolean;
}

/** The oldest are forgotten first, as the machine itself does. */
export type JournalBounds = Pick<GossipSettings, "maxIds" | "maxBatches">;

/** What of one node survives a crash. */
export class MemoryJournal {
  readonly #node: string;
  readonly #wallMs: () => number;
  readonly #bounds: JournalBounds;
  readonly #seen = new Set<BatchId>();
  readonly #batches = new Map<BatchId, Kept>();
  readonly #collections = new Map<
    BatchId,
    RestoredCollection & { members: Map<string, MemberProgress> }
  >();
  readonly #reports = new Map<BatchId, RestoredReport>();
  readonly #running = new Map<BatchId, NodeReference>();

  constructor(options: { node: string; wallMs: () => number; bounds: JournalBounds }) {
    this.#node = options.node;
    this.#bounds = options.bounds;
    this.#wallMs = options.wallMs;
  }

  /** Takes an event. */
  take(event: GossipEvent): void {
    switch (event.type) {
      case "batch_accepted": {
        const { batch, ageMs, targeted: released, cancelled, collection } = event;
        this.#seen.add(batch.id);
        this.#batches.set(batch.id, {
          ...{ batch, ageMs, cancelled, released, keptAtWallMs: this.#wallMs() },
        });
        this.#trim();
        if (released) this.#running.set(batch.id, batch.origin);
        if (collection === undefined) return;
        const { members, ...stages } = collection;
        this.#collections.set(batch.id, {
          ...{ batchId: batch.id, target: batch.target, held: batch.held, ...stages },
          members: new Map(members.map((name) => [name, { state: "pending" }])),
        });
        return;
      }
      case "batch_released":
        this.#batches.get(event.batch.id)!.released = true;
        this.#running.set(event.batch.id, event.batch.origin);
        return;
      case "batch_cancelled": {
        const kept = this.#batches.get(event.batchId);
        if (kept !== undefined) kept.cancelled = true;
        return;
      }
      case "batch_expired":
        this.#batches.delete(event.batchId);
        return;
      case "progress":
        this.#collections.get(event.batchId)?.members.set(event.node, event.progress);
        return;
      case "report_confirmed":
      case "report_abandoned":
        this.#reports.delete(event.batchId);
        return;
      case "results_forgotten":
        this.#collections.delete(event.batchId);
    }
  }

  #trim(): void {
    const { maxIds, maxBatches } = this.#bounds;
    const [oldestId] = this.#seen;
    if (this.#seen.size > maxIds && oldestId !== undefined) this.#seen.delete(oldestId);
    const [oldest] = this.#batches.keys();
    if (this.#batches.size > maxBatches && oldest !== undefined) this.#batches.delete(oldest);
  }

  /** A run has ended; durable before it is reported. */
  finished(batch: Batch, outcome: { passed: boolean; body: Uint8Array }): void {
    this.#running.delete(batch.id);
    this.#reports.set(batch.id, { batchId: batch.id, origin: batch.origin, ...outcome });
  }

  /** What was running is interrupted. */
  crashed(): void {
    const body = new TextEncoder().encode(`${this.#node} interrupted`);
    for (const [batchId, origin] of this.#running) {
      this.#reports.set(batchId, { batchId, origin, passed: false, body });
    }
    this.#running.clear();
  }

  /** What a machine starts from. */
  restored(): RestoredState {
    const wallMs = this.#wallMs();
    const batches = Array.from(this.#batches.values(), (kept): RestoredBatch => ({
      batch: kept.batch,
      ageMs: kept.ageMs + Math.max(0, wallMs - kept.keptAtWallMs),
      cancelled: kept.cancelled,
      released: kept.released,
    }));
    return {
      seen: [...this.#seen],
      batches,
      collections: [...this.#collections.values()],
      reports: [...this.#reports.values()],
    };
  }
}
