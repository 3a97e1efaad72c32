/**
 * Results as they come home, at the origin: who still owes one, what each answered, and the stages
 * of a roll-out.
 * @module
 */
import type { BatchId, MemberProgress, Report, RestoredCollection, SkipReason } from "./types.ts";
import type { GossipContext } from "./context.ts";
import { isSettled } from "./stages.ts";
import { matchesTarget } from "../batch/target.ts";

/** `BusyError` counts the unsettled batches of this span: older ones wait for members, not for us. */
const BUSY_WINDOW_MS = 60_000;

/** What is collected of one batch. */
export interface CollectedBatch extends RestoredCollection {
  /** Every member's progress. */
  readonly members: Map<string, MemberProgress>;
  /** When it was opened, on the machine's clock. */
  readonly openedAtMs: number;
  /** How many members have not settled. */
  unsettled: number;
  /** Bytes of the results. */
  bytes: number;
  /** Changes of progress so far. */
  changes: number;
}

/** What became of a report. */
export type ReportTaken =
  /** It changed a member's progress, durably. */
  | "counted"
  /** It was counted before. */
  | "known"
  /** The batch's results are not held here (any more). */
  | "unknown_batch"
  /** It comes from a name that is no member. */
  | "unknown_node";

/** What it is made with. */
export interface ResultsOptions {
  /** Surroundings. */
  readonly context: GossipContext;
  /** Called after each change of a held batch's progress, to let the next stage start. */
  readonly changed: (collected: CollectedBatch) => void;
}

/** The results of the batches that this node issued. */
export class Results {
  readonly #context: GossipContext;
  readonly #changed: (collected: CollectedBatch) => void;
  readonly #all = new Map<BatchId, CollectedBatch>();
  /** Those with members that have not settled. */
  readonly #open = new Set<CollectedBatch>();
  #bytes = 0;
  #forgotten = 0;

  /** Empty at first. */
  constructor(options: ResultsOptions) {
    this.#context = options.context;
    this.#changed = options.changed;
  }

  /** How many batches' results made room for newer ones. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** How many batches' results are held. */
  get size(): number {
    return this.#all.size;
  }

  /** Whether so many batches are young and unsettled that nothing new should be issued. */
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

  /** All that is held, newest first. */
  newestFirst(): CollectedBatch[] {
    return [...this.#all.values()].reverse();
  }

  /** Begins to collect; the oldest results make room, settled ones first. */
  open(restored: RestoredCollection): CollectedBatch {
    const collected: CollectedBatch = {
      ...restored,
      members: new Map(restored.members),
      openedAtMs: this.#context.clock.nowMs(),
      unsettled: 0,
      bytes: 0,
      changes: 0,
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

  /** Forgets a batch whose acceptance did not become durable. */
  drop(batchId: BatchId): void {
    const collected = this.#all.get(batchId);
    if (collected === undefined) return;
    this.#all.delete(batchId);
    this.#open.delete(collected);
    this.#bytes -= collected.bytes;
  }

  /** What is collected of one batch. */
  get(batchId: BatchId): CollectedBatch | undefined {
    return this.#all.get(batchId);
  }

  /** All batches with members that have not settled. */
  unsettled(): CollectedBatch[] {
    return [...this.#open];
  }

  /** Takes a report. Counts exactly once: what is known already changes nothing and tells nobody. */
  report(report: Report): ReportTaken {
    const collected = this.#all.get(report.batchId);
    if (collected === undefined) return "unknown_batch";
    const { node, state, passed, body } = report;
    const before = collected.members.get(node);
    if (before === undefined && this.#context.peers.peer(node) === undefined) return "unknown_node";
    if (before?.state === "done" || before?.state === state) return "known";
    this.set(collected, { node, progress: state === "done" ? { state, passed, body } : { state } });
    return "counted";
  }

  /** Sets one member's progress, tells of it, and lets what follows from it happen. */
  set(
    collected: CollectedBatch,
    change: { readonly node: string; readonly progress: MemberProgress },
  ): void {
    const { node, progress } = change;
    const before = collected.members.get(node);
    this.#apply(collected, change);
    try {
      this.#context.effects.emit({
        type: "progress",
        batchId: collected.batchId,
        node,
        progress,
      });
    } catch (error) {
      // Not durable, so it must not be confirmed when it comes again.
      this.#apply(collected, { node, progress: before });
      throw error;
    }
    const changes = ++collected.changes;
    this.#makeRoom(collected);
    this.#changed(collected);
    // What follows from a change may change more; the last one tells.
    if (collected.unsettled === 0 && collected.changes === changes) {
      this.#context.effects.emit({ type: "batch_settled", batchId: collected.batchId });
    }
  }

  /** Sets members that have not settled to `skipped`. */
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

  /** To be called after any change of a member: who fails is not waited for, who joins is. */
  memberChanged(name: string): void {
    for (const collected of this.#open) {
      const progress = this.#afterChange(collected, name);
      if (progress !== undefined) this.set(collected, { node: name, progress });
    }
  }

  /** Gives up on members that are in no membership: those that nobody knew after a restart. */
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
    // A held batch's members are drawn once; all others may still join in, or come back.
    const comes = before === undefined || before.state === "unreached";
    return comes && targeted && !collected.held ? { state: "pending" } : undefined;
  }

  #apply(
    collected: CollectedBatch,
    change: { readonly node: string; readonly progress: MemberProgress | undefined },
  ): void {
    const { node, progress } = change;
    const before = collected.members.get(node);
    if (progress === undefined) collected.members.delete(node);
    else collected.members.set(node, progress);
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
      this.drop(collected.batchId);
      this.#forgotten++;
      this.#context.effects.emit({ type: "results_forgotten", batchId: collected.batchId });
    }
  }
}

function openCount(progress: MemberProgress | undefined): number {
  return progress === undefined || isSettled(progress) ? 0 : 1;
}

function progressBytes(progress: MemberProgress | undefined): number {
  return progress?.state === "done" ? progress.body.length : 0;
}
