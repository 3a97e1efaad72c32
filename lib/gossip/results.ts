/**
 * Collects results at the origin: every member's progress, its report, and what is durable of it.
 * @module
 */
import type { NodeReport } from "./messages.ts";
import type { BatchId } from "../batch/id.ts";
import type { MemberProgress, SkipReason } from "../batch/progress.ts";
import type { RestoredCollection } from "./types.ts";
import type { GossipContext } from "./context.ts";
import { isSettled } from "./stages.ts";
import { matchesTarget } from "../batch/target.ts";

/** Only unsettled batches younger than this make the node busy: older ones wait for members. */
const BUSY_WINDOW_MS = 60_000;

/** The results of one batch. */
export interface CollectedBatch extends RestoredCollection {
  /** Every member's progress. */
  readonly members: Map<string, MemberProgress>;
  /** When it was opened, by the monotonic clock. */
  readonly openedAtMs: number;
  /** How many members are pending or running. */
  unsettled: number;
  /** Bytes of the reports. */
  bytes: number;
  /** How often any member's progress has changed. */
  changes: number;
  /** Members whose report is not durable yet, and whether its record is with the journal now. */
  readonly unsaved: Map<string, { saving: boolean }>;
}

/** What a `Results` is made of. */
export interface ResultsOptions {
  /** What the parts of the machine share. */

  readonly context: GossipContext;
  /** Called after each change of a batch's progress, so that the next stage can start. */
  readonly changed: (collected: CollectedBatch) => void;
}

/** The results of all batches that this node issued. */
export class Results {
  readonly #context: GossipContext;
  readonly #changed: (collected: CollectedBatch) => void;
  readonly #all = new Map<BatchId, CollectedBatch>();
  /** The batches with members that are pending or running. */
  readonly #open = new Set<CollectedBatch>();
  #bytes = 0;
  #forgotten = 0;

  /** Holds nothing yet. */
  constructor(options: ResultsOptions) {
    this.#context = options.context;
    this.#changed = options.changed;
  }

  /** How many batches' results were evicted since the start. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** How many batches' results are held. */
  get size(): number {
    return this.#all.size;
  }

  /** Whether so many batches of the last minute are unsettled that no new one should be issued. */
  get busy(): boolean {
    const { maxUnsettled } = this.#context.settings;
    if (this.#open.size < maxUnsettled) return false;
    const since = this.#context.clock.nowMs() - BUSY_WINDOW_MS;
    let young = 0;
    for (const collected of this.#open) {
      if (collected.openedAtMs > since && ++young >= maxUnsettled) return true;
    }
    return false;
  }

  /** The results of all batches, newest first. */
  newestFirst(): CollectedBatch[] {
    return [...this.#all.values()].reverse();
  }

  /** Begins to collect a batch's results; the oldest are evicted, settled ones first. */
  open(restored: RestoredCollection): CollectedBatch {
    const collected: CollectedBatch = {
      ...restored,
      members: new Map(restored.members),
      openedAtMs: this.#context.clock.nowMs(),
      unsettled: 0,
      bytes: 0,
      changes: 0,
      unsaved: new Map(),
    };
    for (const progress of collected.members.values()) {
      if (!isSettled(progress)) collected.unsettled++;
      collected.bytes += progressBytes(progress);
    }
    this.#all.set(collected.batchId, collected);
    this.#bytes += collected.bytes;
    if (collected.unsettled > 0) this.#open.add(collected);
    this.#makeRoom(collected);
    return collected;
  }

  #drop(batchId: BatchId): void {
    const collected = this.#all.get(batchId);
    if (collected === undefined) return;
    this.#all.delete(batchId);
    this.#open.delete(collected);
    this.#bytes -= collected.bytes;
  }

  /** The results of one batch. */
  get(batchId: BatchId): CollectedBatch | undefined {
    return this.#all.get(batchId);
  }

  /** The batches with members that are pending or running. */
  unsettled(): CollectedBatch[] {
    return [...this.#open];
  }

  /**
   * Applies a report; one that was applied before changes nothing. `saved` is called once the report
   * is durable, and not at all if the journal fails: the node then sends it again. Returns false if
   * the node is not a member.
   */
  report(report: NodeReport, saved: () => void): boolean {
    const collected = this.#all.get(report.batchId);
    // A report on results that were evicted is confirmed too, or it would be sent for ever.
    if (collected === undefined) return saved(), true;
    const { node, state, passed, report: bytes } = report;
    const before = collected.members.get(node);
    if (before === undefined && this.#context.peers.peer(node) === undefined) return false;
    if (state === "running") {
      if (before?.state !== "done" && before?.state !== state) {
        this.set(collected, { node, progress: { state } });
      }
      saved();
      return true;
    }
    if (before?.state !== "done") {
      const progress = { state, passed, report: bytes };
      collected.unsaved.set(node, { saving: false });
      this.#change(collected, { node, progress });
    }
    this.#save(collected, { node, saved });
    return true;
  }

  /** Sets one member's progress; after a crash that undoes it, it is found out again. */
  set(
    collected: CollectedBatch,
    change: { readonly node: string; readonly progress: MemberProgress },
  ): void {
    this.#context.records.keep({ type: "progress", batchId: collected.batchId, ...change });
    this.#change(collected, change);
  }

  #save(
    collected: CollectedBatch,
    { node, saved }: { readonly node: string; readonly saved: () => void },
  ): void {
    const unsaved = collected.unsaved.get(node);
    const progress = collected.members.get(node);
    if (unsaved === undefined || progress === undefined) return saved();
    // A report that comes again while the journal works is confirmed with the first.
    if (unsaved.saving) return;
    unsaved.saving = true;
    const { batchId } = collected;
    this.#context.records.keep({ type: "progress", batchId, node, progress }, (failure) => {
      unsaved.saving = false;
      if (failure !== undefined) return;
      collected.unsaved.delete(node);
      saved();
    });
  }

  /** Sets one member's progress, emits the events of it, and lets the next stage start. */
  #change(
    collected: CollectedBatch,
    change: { readonly node: string; readonly progress: MemberProgress },
  ): void {
    const { batchId } = collected;
    this.#apply(collected, change);
    this.#context.effects.emit({ type: "progress", batchId, ...change });
    const changes = ++collected.changes;
    this.#makeRoom(collected);
    this.#changed(collected);
    // The next stage may have changed more progress; then that change emits the event.
    if (collected.unsettled === 0 && collected.changes === changes) {
      this.#context.effects.emit({ type: "batch_settled", batchId });
    }
  }

  /** Sets members that are pending or running to `skipped`. */
  skip(
    collected: CollectedBatch,
    options: { readonly nodes: readonly string[]; readonly reason: SkipReason },
  ): void {
    for (const node of options.nodes) {
      const progress = collected.members.get(node);
      if (progress === undefined || isSettled(progress)) continue;
      this.set(collected, { node, progress: { state: "skipped", reason: options.reason } });
    }
  }

  /** To be called after any change of a member: a failed one is not waited for, a new one is. */
  memberChanged(name: string): void {
    for (const collected of this.#open) {
      const progress = this.#afterChange(collected, name);
      if (progress !== undefined) this.set(collected, { node: name, progress });
    }
  }

  /** Stops waiting for members that the membership does not know, after a restart. */
  giveUpUnknown(): void {
    for (const collected of this.unsettled()) {
      for (const [name, progress] of collected.members) {
        if (!isSettled(progress) && this.#context.peers.peer(name) === undefined) {
          this.memberChanged(name);
        }
      }
    }
  }

  #afterChange(collected: CollectedBatch, name: string): MemberProgress | undefined {
    const before = collected.members.get(name);
    const peer = this.#context.peers.peer(name);
    if (peer === undefined || peer.state === "dead" || peer.state === "left") {
      if (before === undefined || isSettled(before)) return undefined;
      return { state: "unreached", memberState: peer?.state ?? "dead" };
    }
    const targeted = peer.runsGossipcheck && matchesTarget(collected.target, peer);
    if (before?.state === "pending" && !targeted) {
      return { state: "skipped", reason: "not_targeted" };
    }
    // The members of a held batch are fixed at issue; other batches take new and returning members.
    const comes = before === undefined || before.state === "unreached";
    return comes && targeted && !collected.held ? { state: "pending" } : undefined;
  }

  #apply(
    collected: CollectedBatch,
    change: { readonly node: string; readonly progress: MemberProgress },
  ): void {
    const { node, progress } = change;
    const before = collected.members.get(node);
    collected.members.set(node, progress);
    const bytes = progressBytes(progress) - progressBytes(before);
    collected.bytes += bytes;
    this.#bytes += bytes;
    collected.unsettled += openCount(progress) - openCount(before);
    if (collected.unsettled > 0) this.#open.add(collected);
    else this.#open.delete(collected);
  }

  #makeRoom(newest: CollectedBatch): void {
    const { maxCollections, maxCollectedBytes } = this.#context.settings;
    const full = (): boolean => this.#all.size > maxCollections || this.#bytes > maxCollectedBytes;
    if (!full()) return;
    const oldestFirst = [...this.#all.values()];
    const settledFirst = [
      ...oldestFirst.filter((collected) => collected.unsettled === 0),
      ...oldestFirst.filter((collected) => collected.unsettled > 0),
    ];
    for (const collected of settledFirst) {
      if (!full()) return;
      if (collected === newest) continue;
      this.#drop(collected.batchId);
      this.#forgotten++;
      const { batchId } = collected;
      this.#context.records.keep({ type: "results_forgotten", batchId });
      this.#context.effects.emit({ type: "results_forgotten", batchId });
    }
  }
}

function openCount(progress: MemberProgress | undefined): number {
  return progress === undefined || isSettled(progress) ? 0 : 1;
}

function progressBytes(progress: MemberProgress | undefined): number {
  return progress?.state === "done" ? progress.report.length : 0;
}
