/**
 * Accepts or refuses batches, remembers them, passes them on and tells the application to run each
 * once; also handles `cancel` and `start`.
 * @module
 */
import type { BatchMessage, CancelMessage, DigestMessage, StartMessage } from "./messages.ts";
import type { NodeReference } from "../address.ts";
import { type Batch, type BatchCopy, lifetimeMs } from "../batch/batch.ts";
import type { BatchId } from "../batch/id.ts";
import { BoundedMap } from "../bounded_map.ts";
import type { Random } from "../runtime.ts";
import type { RestoredBatch } from "./types.ts";
import type { AntiEntropy } from "./anti_entropy.ts";
import { burst } from "./burst.ts";
import { encodeGossip } from "./codec.ts";
import { currentReference, dropUnexpected, type GossipContext, selfReference } from "./context.ts";
import type { History, RememberedBatch } from "./history.ts";
import type { IssuedBatch } from "./issue.ts";
import { OriginRates } from "./origin_rates.ts";
import { SeenIds } from "./seen_ids.ts";
import { matchesTarget } from "../batch/target.ts";

/** Cancelled ids that are remembered, because the batch may come later. */
const MAX_CANCELLED_IDS = 10_000;
/** A batch is remembered for this many rounds of anti-entropy before a new one may evict it. */
const REMEMBERED_PERIODS = 5;
/** Held batches whose `start` came before them; more are forgotten, oldest first. */
const MAX_EARLY_STARTS = 1_000;

/** What an `Intake` is made of. */
export interface IntakeOptions {
  /** What the parts of the machine share. */

  readonly context: GossipContext;
  /** The batches that are remembered. */
  readonly history: History;
  /** Asks other members for batches that are missing here. */
  readonly antiEntropy: AntiEntropy;
  /** Why a batch is refused; `undefined` accepts it. */
  readonly admit: (batch: Batch) => string | undefined;
  /** Called when a batch of this node's own is issued, before anybody is sent it. */
  readonly issued: (issued: IssuedBatch) => void;
  /** Called once a held batch of this node's own was sent, to let its first members start. */
  readonly rollOut: (batchId: BatchId) => void;
  /** Called after a batch was cancelled. */
  readonly cancelled: (batchId: BatchId) => void;
  /** Sends this node's report again; false if there is none. */
  readonly resend: (batchId: BatchId) => boolean;
}

/** The batches that one node receives. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #context: GossipContext;
  readonly #history: History;
  /** Cancelled ids, also of batches that have not come. */
  readonly #cancelled: SeenIds;
  readonly #rates: OriginRates;
  /** By id of a batch that has not come, the node that sent `start` for it. */
  readonly #earlyStarts = new BoundedMap<BatchId, string>({ max: MAX_EARLY_STARTS });
  /** This node's own batches that are not durable yet. */
  readonly #unstored = new Set<BatchId>();
  /** The origins of the batches that run here and are not reported yet. */
  readonly #owed = new Map<BatchId, NodeReference>();

  /** Remembers nothing yet. */
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

  /** Restores the batches that the journal remembers. */
  restore(batches: Iterable<RestoredBatch>): void {
    for (const { batch, ageMs, cancelled, released } of batches) {
      if (ageMs >= lifetimeMs(batch)) continue;
      if (cancelled) this.#cancelled.add(batch.id);
      this.#history.keep({ batch, ageMs }, { cancelled, released });
    }
  }

  /** Whether this node must not issue a batch now, because too many were issued here or elsewhere. */
  get busy(): boolean {
    const { advertiseIntervalMs } = this.#context.settings;
    return this.#rates.busy || this.#history.isCrowded(REMEMBERED_PERIODS * advertiseIntervalMs);
  }

  /**
   * Issues a batch of this node's own once it is durable: nothing is sent before, and if the journal
   * fails the batch was never issued.
   */
  acceptOwn({ batch, collection }: IssuedBatch): void {
    const { records, effects } = this.#context;
    this.#rates.issued();
    this.#unstored.add(batch.id);
    const targeted = this.#names(batch) && !batch.held;
    const cancelled = this.isCancelled(batch.id);
    const copy = { batch, ageMs: 0 };
    records.keep({ type: "accepted", ...copy, targeted, cancelled, collection }, (reason) => {
      this.#unstored.delete(batch.id);
      if (reason !== undefined) {
        return effects.emit({ type: "batch_not_stored", batchId: batch.id, reason });
      }
      this.#remember(copy, targeted);
      this.#options.issued({ batch, collection });
      this.#push(copy, batch.origin);
      this.#tellAccepted(batch, { targeted, failure: undefined });
      if (batch.held) this.#options.rollOut(batch.id);
    });
  }

  /** Whether the batch was accepted here before, or waits for the journal, as far as is remembered. */
  knows(batchId: BatchId): boolean {
    return this.#unstored.has(batchId) || this.#history.hasSeen(batchId);
  }

  /** Accepts new batches of other nodes and pushes them on, or announces them if they were asked for. */
  takeBatches(message: BatchMessage): void {
    const { from, asked } = message;
    const fetched: BatchId[] = [];
    const exclude = [from.name];
    for (const copy of message.copies) {
      this.#options.antiEntropy.came(copy.batch.id);
      if (!this.#lets(copy, from)) continue;
      this.#accept(copy);
      if (asked) {
        fetched.push(copy.batch.id);
        exclude.push(copy.batch.origin.name);
      } else this.#push(copy, from);
      this.#startIfEarly(copy.batch);
    }
    if (fetched.length > 0) this.#options.antiEntropy.announce(fetched, { exclude });
  }

  /** Handles a digest: the cancelled ids first, so that none of them runs when it comes. */
  takeDigest(message: DigestMessage): void {
    for (const id of message.cancelled) {
      if (this.#history.hasSeen(id)) this.cancel(id, message.from);
      else this.#cancelled.add(id);
    }
    this.#options.antiEntropy.takeDigest(message);
  }

  /** Handles `cancel`. */
  takeCancel(message: CancelMessage): void {
    this.cancel(message.batchId, message.from);
  }

  /** Cancels a batch and passes that on; false if it was cancelled already. */
  cancel(batchId: BatchId, from: NodeReference): boolean {
    if (this.#cancelled.has(batchId)) return false;
    const { effects, records } = this.#context;
    const entry = this.#history.whole(batchId);
    this.#cancelled.add(batchId);
    if (entry !== undefined) entry.cancelled = true;
    if (this.#history.hasSeen(batchId)) {
      effects.emit({ type: "batch_cancelled", batchId });
      records.keep({ type: "cancelled", batchId });
    }
    this.#options.cancelled(batchId);
    const message = encodeGossip({
      type: "cancel",
      from: selfReference(this.#context.peers),
      batchId,
    });
    burst(this.#context, { message, exclude: [from.name] });
    return true;
  }

  /** Whether the batch was cancelled, also if it has not come. */
  isCancelled(batchId: BatchId): boolean {
    return this.#cancelled.has(batchId);
  }

  /** Handles `start`, which the origin sends again until this node reports. */
  takeStart(message: StartMessage): void {
    const { batchId, from } = message;
    if (from.name === this.#context.peers.self.name) {
      // This node starts its own batches without a message; a sender with its name is forging.
      const detail = `a start of batch ${batchId} in this node's own name`;
      return dropUnexpected(this.#context, { from: from.name, detail });
    }
    const entry = this.#history.whole(batchId);
    if (entry === undefined) {
      if (this.#options.resend(batchId) || this.#history.hasSeen(batchId)) return;
      this.#earlyStarts.set(batchId, from.name);
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

  /** Releases a held batch of this node's own. */
  startHere(batchId: BatchId): void {
    const entry = this.#history.whole(batchId);
    if (entry !== undefined && !entry.released) this.#release(entry);
  }

  /** The node that the report on a batch goes to. */
  originOf(batchId: BatchId): NodeReference | undefined {
    return this.#owed.get(batchId) ?? this.#history.whole(batchId)?.batch.origin;
  }

  /** Forgets that a report is owed: the local runner has given it. */
  reported(batchId: BatchId): void {
    this.#owed.delete(batchId);
  }

  /** Whether a copy is new, has not expired and is accepted. */
  #lets({ batch, ageMs }: BatchCopy, from: NodeReference): boolean {
    if (this.knows(batch.id)) return false;
    if (ageMs >= lifetimeMs(batch)) {
      this.#context.effects.emit({
        type: "dropped",
        reason: "timed_out",
        from: from.name,
        detail: `batch ${batch.id} had expired when it came`,
      });
      return false;
    }
    // Only batches that are admitted count, or anybody could use up an origin's rate.
    const untrusted = this.#options.admit(batch);
    if (untrusted !== undefined) this.#options.antiEntropy.refused(batch.id, from);
    const reason = untrusted ?? this.#tooMany(batch, from);
    if (reason === undefined) return true;
    // The id is not remembered: a forged copy must not keep the genuine one out.
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

  /** Remembers a batch at once; the application is told once the journal has answered. */
  #accept(copy: BatchCopy): void {
    const { batch } = copy;
    const targeted = this.#names(batch) && !this.#isOwn(batch) && !batch.held;
    const cancelled = this.isCancelled(batch.id);
    this.#remember(copy, targeted);
    this.#context.records.keep(
      { type: "accepted", ...copy, targeted, cancelled },
      (failure) => this.#tellAccepted(batch, { targeted, failure }),
    );
  }

  #remember(copy: BatchCopy, targeted: boolean): void {
    const { batch } = copy;
    const cancelled = this.isCancelled(batch.id);
    this.#history.keep(copy, { cancelled, released: targeted });
    if (targeted) this.#owed.set(batch.id, batch.origin);
  }

  #tellAccepted(
    batch: Batch,
    { targeted, failure }: { readonly targeted: boolean; readonly failure: string | undefined },
  ): void {
    const cancelled = this.isCancelled(batch.id);
    const event = { type: "batch_accepted", batch, cancelled, targeted } as const;
    this.#context.effects.emit(failure === undefined ? event : { ...event, failure });
  }

  #release(entry: RememberedBatch): void {
    const { batch } = entry;
    const { records, effects } = this.#context;
    entry.released = true;
    this.#owed.set(batch.id, batch.origin);
    records.keep({ type: "released", batch }, (failure) => {
      const event = {
        type: "batch_released",
        batch,
        cancelled: this.isCancelled(batch.id),
      } as const;
      effects.emit(failure === undefined ? event : { ...event, failure });
    });
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

  #names(batch: Batch): boolean {
    return matchesTarget(batch.target, this.#context.peers.self);
  }

  /**
   * Whether a batch is this node's own. One that it does not know was issued and run before its state
   * was lost; peers send it back, and it must not run again.
   */
  #isOwn(batch: Batch): boolean {
    return batch.origin.name === this.#context.peers.self.name;
  }
}

/** A random number of 32 bits, as the seed of a hash. */
export function hashSeed(random: Random): number {
  return Math.floor(random.next() * 2 ** 32);
}
