/**
 * The batches that this node runs, from acceptance to report: where dissemination and checks meet.
 * @module
 */
import { decodeChecks, encodeResults } from "../checks/codec.ts";
import type { Check, CheckResult } from "../checks/check.ts";
import type { RunOptions } from "../checks/runner.ts";
import { GossipcheckError, WireError } from "../errors.ts";
import type { LocalReport } from "../gossip/dissemination.ts";
import type { Batch, BatchAccepted, BatchId } from "../gossip/types.ts";
import type { Clock, Log, Timers } from "../runtime.ts";
import type { BatchStore } from "./batch_store.ts";
import { UNREADABLE_BATCH } from "./interrupted.ts";
import type { KeyOperations } from "./key_operations.ts";

/** Why a batch's run is ended early, as the results say it. */
export type StopReason = "the batch was cancelled" | "this node is stopping";

/** What a `Batches` is made of. */
export interface BatchesOptions {
  /** This node's name, as actions see it. */
  readonly node: string;
  /** Runs checks and actions. */
  readonly runner: { run(options: RunOptions): Promise<readonly CheckResult[]> };
  /** Carries out the batches that are no checks; absent where there are no keys. */
  readonly keys?: Pick<KeyOperations, "run">;
  /** Where what must survive is kept. */
  readonly store: BatchStore;
  /** Takes this node's reports. */
  readonly report: (batchId: BatchId, report: LocalReport) => void;
  /** Times runs. */
  readonly clock: Clock;
  /** Bounds the wait for the last runs. */
  readonly timers: Timers;
  /** Says what ran. */
  readonly log: Log;
}

interface Run {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

/** Runs batches, any number at once: the runner keeps them in order and within bounds. */
export class Batches {
  readonly #options: BatchesOptions;
  readonly #runs = new Map<BatchId, Run>();
  readonly #unsettled = new Set<BatchId>();
  #allSettled: (() => void) | undefined;

  /** Runs nothing yet. */
  constructor(options: BatchesOptions) {
    this.#options = options;
  }

  /** How many batches are running. */
  get running(): number {
    return this.#runs.size;
  }

  /** Takes a batch that dissemination has accepted. Raises `StoreError`; then nothing of it runs. */
  accepted(event: BatchAccepted): void {
    this.#options.store.accepted(event);
    if (event.targeted) this.run(event.batch, { cancelled: event.cancelled });
  }

  /** Runs a batch, or, where it was cancelled before, reports that it did not run. */
  run(batch: Batch, options: { cancelled: boolean }): void {
    const abort = new AbortController();
    if (options.cancelled) abort.abort("the batch was cancelled" satisfies StopReason);
    this.#runs.set(batch.id, { abort, ended: this.#run(batch, abort.signal) });
  }

  /** Ends a batch's run: what has not started does not start, what runs is ended. */
  stop(batchId: BatchId, reason: StopReason): void {
    this.#runs.get(batchId)?.abort.abort(reason);
  }

  /** Waits for all runs to end; those that last longer than `graceMs` are ended. */
  async drain(graceMs: number): Promise<void> {
    const cancel = this.#options.timers.after(graceMs, () => {
      for (const batchId of this.#runs.keys()) this.stop(batchId, "this node is stopping");
    });
    await Promise.all(Array.from(this.#runs.values(), ({ ended }) => ended));
    cancel();
  }

  /** The origin has this node's report, or was given up on. */
  reportSettled(batchId: BatchId): void {
    this.#unsettled.delete(batchId);
    if (this.#unsettled.size === 0) this.#allSettled?.();
  }

  /** Waits until no report is under way, or for `timeoutMs`. */
  async reportsSettled(timeoutMs: number): Promise<void> {
    if (this.#unsettled.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#allSettled = resolve;
      this.#options.timers.after(timeoutMs, resolve);
    });
  }

  async #run(batch: Batch, signal: AbortSignal): Promise<void> {
    const { clock, store, report, log } = this.#options;
    // Whoever told us of the batch goes on first: the burst is on its way before any check starts.
    await Promise.resolve();
    const startedMs = clock.nowMs();
    report(batch.id, { state: "running" });
    const results = await this.#results(batch, signal);
    const passed = results.every(({ outcome }) => outcome.status === "pass");
    const body = encodeResults(results);
    log.write("info", "batch_done", `ran batch ${batch.id}`, {
      checks: results.length,
      notPassing: results.filter(({ outcome }) => outcome.status !== "pass").length,
      actions: results.filter(({ action }) => action !== undefined).length,
      durationMs: Math.round(clock.nowMs() - startedMs),
    });
    this.#runs.delete(batch.id);
    this.#guarded(batch.id, () => store.finished(batch, { passed, body }));
    this.#unsettled.add(batch.id);
    report(batch.id, { state: "done", passed, body });
  }

  /** What the store cannot keep is still told to the origin; only a crash now would lose it. */
  #guarded(batchId: BatchId, keep: () => void): void {
    try {
      keep();
    } catch (error) {
      if (!(error instanceof GossipcheckError)) throw error;
      this.#options.log.write("error", "store_failed", error.message, { batch: batchId });
    }
  }

  async #results(batch: Batch, signal: AbortSignal): Promise<readonly CheckResult[]> {
    const { node, runner, store } = this.#options;
    const ofKeys = this.#options.keys?.run(batch, signal);
    if (ofKeys !== undefined) return ofKeys;
    let checks: Check[];
    try {
      checks = decodeChecks(batch.body);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const reason = `this node cannot read the batch: ${error.message}`;
      return [{ check: UNREADABLE_BATCH, outcome: { status: "error", reason }, durationMs: 0 }];
    }
    return await runner.run({
      checks,
      node,
      batchId: batch.id,
      mode: "parallel",
      actions: true,
      signal,
      onActionStarting: (check) => store.actionStarting(batch.id, check.name),
      onResult: (result) => this.#guarded(batch.id, () => store.checkEnded(batch.id, result)),
    });
  }
}
