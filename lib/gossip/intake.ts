/**
 * What becomes of a batch that comes: let in or not, remembered, handed to the application once,
 * pushed on; and of the word that it is cancelled or, where it is held, may start.
 * @module
 */
import type { Random } from "../runtime.ts";
import type {
  Batch,
  BatchCopy,
  BatchId,
  BatchMessage,
  CancelMessage,
  Collection,
  DigestMessage,
  NodeReference,
  RestoredBatch,
  StartMessage,
} from "./types.ts";
import type { AntiEntropy } from "./anti_entropy.ts";
import { burst } from "./burst.ts";
import { encodeGossip } from "./codec.ts";
import { currentReference, dropUnexpected, type GossipContext, selfReference } from "./context.ts";
import { type History, lifetimeMs, type RememberedBatch } from "./history.ts";
import { OriginRates } from "./origin_rates.ts";
import { SeenIds } from "./seen_ids.ts";
import { matchesTarget } from "../batch/target.ts";

/** Cancelled ids that are remembered, for batches that come later. */
const MAX_CANCELLED_IDS = 10_000;
/** A batch is remembered for so many periods of the second phase before a new one may push it out. */
const REMEMBERED_PERIODS = 5;
/** Held batches that the origin let start before they came. */
const MAX_EARLY_STARTS = 1_000;

/** What it is made with. */
export interface IntakeOptions {
  /** Surroundings. */
  readonly context: GossipContext;
  /** What is remembered. */
  readonly history: History;
  /** Where lacking batches are asked for. */
  readonly antiEntropy: AntiEntropy;
  /** Why a batch is not let in. */
  readonly admit: (batch: Batch) => string | undefined;
  /** Called after a batch was cancelled. */
  readonly cancelled: (batchId: BatchId) => void;
  /** Sends this node's report again; false where there is none. */
  readonly resend: (batchId: BatchId) => boolean;
}

/** The batches that come to one node. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #context: GossipContext;
  readonly #history: History;
  /** Cancelled ids, whether the batch has come or not. */
  readonly #cancelled: SeenIds;
  readonly #rates: OriginRates;
  /** The origins that let a held batch start before it came. */
  readonly #earlyStarts = new Map<BatchId, string>();
  /** Where the reports go that the local runner owes. */
  readonly #owed = new Map<BatchId, NodeReference>();

  /** Knows nothing at first. */
  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#history = options.history;
    this.#rates = new OriginRates(options.context);
    this.#cancelled = new SeenIds({
      maxIds: MAX_CANCELLED_IDS,
      seed: hashSeed(options.context.random),
    });
  }

  /** Takes what the journal remembers. */
  restore(batches: Iterable<RestoredBatch>): void {
    for (const { batch, ageMs, cancelled, released } of batches) {
      if (ageMs >= lifetimeMs(batch)) continue;
      if (cancelled) this.#cancelled.add(batch.id);
      this.#history.keep({ batch, ageMs }, { cancelled, released });
    }
  }

  /** Whether so many batches were issued, here or elsewhere, that this node must wait for a moment. */
  get busy(): boolean {
    const { advertiseIntervalMs } = this.#context.settings;
    return this.#rates.busy || this.#history.isCrowded(REMEMBERED_PERIODS * advertiseIntervalMs);
  }

  /** Takes a batch of this node's own. */
  acceptOwn(batch: Batch, collection: Collection): void {
    this.#rates.issued();
    this.#accept({ batch, ageMs: 0 }, { collection, targeted: this.#names(batch) });
    this.#push({ batch, ageMs: 0 }, batch.origin);
  }

  /** Takes batches of others: runs and pushes what is new, or tells of it where it was asked for. */
  takeBatches(message: BatchMessage): void {
    const { from, asked } = message;
    const fetched: BatchId[] = [];
    const exclude = [from.name];
    for (const copy of message.copies) {
      this.#options.antiEntropy.came(copy.batch.id);
      if (!this.#lets(copy, from)) continue;
      this.#accept(copy, { targeted: this.#names(copy.batch) && !this.#isOwn(copy.batch) });
      if (asked) {
        fetched.push(copy.batch.id);
        exclude.push(copy.batch.origin.name);
      } else this.#push(copy, from);
      this.#startIfEarly(copy.batch);
    }
    if (fetched.length > 0) this.#options.antiEntropy.announce(fetched, { exclude });
  }

  /** Takes another's digest: which are cancelled first, so that none of them runs when it comes. */
  takeDigest(message: DigestMessage): void {
    for (const id of message.cancelled) {
      if (this.#history.hasSeen(id)) this.cancel(id, message.from);
      else this.#cancelled.add(id);
    }
    this.#options.antiEntropy.takeDigest(message);
  }

  /** Takes the word that a batch is cancelled. */
  takeCancel(message: CancelMessage): void {
    this.cancel(message.batchId, message.from);
  }

  /** Cancels and tells others; false where it was cancelled already. */
  cancel(batchId: BatchId, from: NodeReference): boolean {
    if (this.#cancelled.has(batchId)) return false;
    const entry = this.#history.whole(batchId);
    if (this.#history.hasSeen(batchId)) {
      this.#context.effects.emit({ type: "batch_cancelled", batchId });
    }
    this.#cancelled.add(batchId);
    if (entry !== undefined) entry.cancelled = true;
    this.#options.cancelled(batchId);
    const message = encodeGossip({
      type: "cancel",
      from: selfReference(this.#context.peers),
      batchId,
    });
    burst(this.#context, { message, exclude: [from.name] });
    return true;
  }

  /** Whether the batch was cancelled, also before it came. */
  isCancelled(batchId: BatchId): boolean {
    return this.#cancelled.has(batchId);
  }

  /** Takes the origin's word that this node may start a batch; it comes again until we report. */
  takeStart(message: StartMessage): void {
    const { batchId, from } = message;
    if (from.name === this.#context.peers.self.name) {
      // This node starts its own batches by itself; who claims to be it wants one taken for its own.
      const detail = `a start of batch ${batchId} in this node's own name`;
      return dropUnexpected(this.#context, { from: from.name, detail });
    }
    const entry = this.#history.whole(batchId);
    if (entry === undefined) {
      if (this.#options.resend(batchId) || this.#history.hasSeen(batchId)) return;
      this.#rememberEarlyStart(batchId, from.name);
      this.#options.antiEntropy.ask(currentReference(this.#context.peers, from), [batchId]);
      return;
    }
    const { batch, released } = entry;
    if (!batch.held || from.name !== batch.origin.name || !this.#names(batch)) {
      const detail = `a start of batch ${batchId} that this node may not take`;
      return dropUnexpected(this.#context, { from: from.name, detail });
    }
    if (released) this.#options.resend(batchId);
    else this.#release(entry);
  }

  /** Starts a held batch of this node's own. */
  startHere(batchId: BatchId): void {
    const entry = this.#history.whole(batchId);
    if (entry !== undefined && !entry.released) this.#release(entry);
  }

  /** Where the report on a batch goes. */
  originOf(batchId: BatchId): NodeReference | undefined {
    return this.#owed.get(batchId) ?? this.#history.whole(batchId)?.batch.origin;
  }

  /** The local runner is done with a batch. */
  reported(batchId: BatchId): void {
    this.#owed.delete(batchId);
  }

  /** Whether a copy is new, alive and let in. */
  #lets({ batch, ageMs }: BatchCopy, from: NodeReference): boolean {
    if (this.#history.hasSeen(batch.id)) return false;
    if (ageMs >= lifetimeMs(batch)) {
      this.#context.effects.emit({
        type: "dropped",
        reason: "timed_out",
        from: from.name,
        detail: `batch ${batch.id} had expired when it came`,
      });
      return false;
    }
    // Only what is let in otherwise counts, or anybody could use up an origin's share.
    const untrusted = this.#options.admit(batch);
    if (untrusted !== undefined) this.#options.antiEntropy.refused(batch.id, from);
    const reason = untrusted ?? this.#tooMany(batch, from);
    if (reason === undefined) return true;
    // Its id is not remembered: a forged copy must not keep the true one out.
    this.#context.effects.emit({
      type: "batch_refused",
      batchId: batch.id,
      origin: batch.origin.name,
      from: from.name,
      reason,
    });
    return false;
  }

  #tooMany(batch: Batch, from: NodeReference): string | undefined {
    const detail = this.#rates.refusal(batch.origin.name);
    if (detail === undefined) return undefined;
    this.#context.effects.emit({ type: "dropped", reason: "too_many", from: from.name, detail });
    return detail;
  }

  #accept(
    copy: BatchCopy,
    options: { readonly targeted: boolean; readonly collection?: Collection },
  ): void {
    const { batch, ageMs } = copy;
    const { collection } = options;
    const cancelled = this.#cancelled.has(batch.id);
    const targeted = options.targeted && !batch.held;
    this.#history.keep(copy, { cancelled, released: targeted });
    if (targeted) this.#owed.set(batch.id, batch.origin);
    try {
      this.#context.effects.emit({
        type: "batch_accepted",
        ...{ batch, ageMs, targeted, cancelled },
        ...(collection === undefined ? {} : { collection }),
      });
    } catch (error) {
      // Its id stays known: nobody can tell how far the application got, and twice is worse than not.
      this.#history.drop(batch.id);
      this.#owed.delete(batch.id);
      throw error;
    }
  }

  #release(entry: RememberedBatch): void {
    const { batch, cancelled } = entry;
    entry.released = true;
    this.#owed.set(batch.id, batch.origin);
    try {
      this.#context.effects.emit({ type: "batch_released", batch, cancelled });
    } catch (error) {
      entry.released = false;
      this.#owed.delete(batch.id);
      throw error;
    }
  }

  #push(copy: BatchCopy, source: NodeReference): void {
    const from = selfReference(this.#context.peers);
    const message = encodeGossip({ type: "batch", from, asked: false, copies: [copy] });
    burst(this.#context, { message, exclude: [source.name, copy.batch.origin.name] });
  }

  #startIfEarly(batch: Batch): void {
    const starter = this.#earlyStarts.get(batch.id);
    if (starter === undefined) return;
    this.#earlyStarts.delete(batch.id);
    const entry = this.#history.whole(batch.id);
    if (entry !== undefined && batch.held && starter === batch.origin.name && this.#names(batch)) {
      this.#release(entry);
    }
  }

  #rememberEarlyStart(batchId: BatchId, origin: string): void {
    this.#earlyStarts.delete(batchId);
    this.#earlyStarts.set(batchId, origin);
    const [oldest] = this.#earlyStarts.keys();
    if (this.#earlyStarts.size > MAX_EARLY_STARTS && oldest !== undefined) {
      this.#earlyStarts.delete(oldest);
    }
  }

  #names(batch: Batch): boolean {
    return matchesTarget(batch.target, this.#context.peers.self);
  }

  /**
   * A batch of our own that we do not know was issued and run before our state was lost; our peers
   * hand it back to us, and it must not run again.
   */
  #isOwn(batch: Batch): boolean {
    return batch.origin.name === this.#context.peers.self.name;
  }
}

/** 32 random bits. */
export function hashSeed(random: Random): number {
  return Math.floor(random.next() * 2 ** 32);
}
