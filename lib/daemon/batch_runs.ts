/**
 * The batches that this node runs, from acceptance to report: where dissemination and checks meet.
 * @module
 */
import { decodeChecks, encodeResults } from "../checks/codec.ts";
import type { Check, CheckResult } from "../checks/check.ts";
import type { RunOptions } from "../checks/runner.ts";
import { HostError, StoreError, WireError } from "../errors.ts";
import type { LocalReport } from "../gossip/dissemination.ts";
import type { Batch, BatchAccepted, BatchId, BatchReleased } from "../gossip/types.ts";
import type { Clock, Log, Timers } from "../runtime.ts";
import type { BatchStore, Outcomes } from "../journal/batch_store.ts";
import { checkNames, UNREADABLE_BATCH } from "./check_names.ts";
import type { KeyOperations } from "../node/key_changes.ts";
import type { RunRules } from "../trust/run_rules.ts";

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
  /** Says what may run, and keeps a record of it. */
  readonly rules: Pick<RunRules, "starting" | "actionStarting" | "checkEnded">;
  /** Where what must survive is kept. */
  readonly store: BatchStore;
  /** Takes this node's reports; false where the store failed, and nothing was told. */
  readonly report: (batchId: BatchId, report: LocalReport) => boolean;
  /** Times runs. */
  readonly clock: Clock;
  /** Bounds the wait for the last runs. */
  readonly timers: Timers;
  /** Says what ran. */
  readonly log: Log;
}

/** Outcomes of this node's own batches that the store could not take are offered again after this. */
const STORE_RETRY_MS = 5_000;

/** How a batch's actions are ended or kept from starting. */
interface ActionOptions {
  readonly signal: AbortSignal;
  /** Why none may start. */
  readonly refusal: StoreError | undefined;
}

interface BeginOptions extends Omit<ActionOptions, "signal"> {
  readonly cancelled: boolean;
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

  /**
   * Takes a batch that dissemination has accepted. Where the store fails, one of this node's own
   * raises `StoreError` and is not issued; another's is passed on and its checks run, but no action.
   */
  accepted(event: BatchAccepted): void {
    const { batch, targeted, cancelled, collection } = event;
    const refusal = this.#refusal(batch.id, () => this.#options.store.accepted(event));
    if (refusal !== undefined && collection !== undefined) throw refusal;
    if (targeted) this.#begin(batch, { cancelled, refusal });
  }

  /** Takes a held batch that may run now. Where the store fails, no action of it runs. */
  released(event: BatchReleased): void {
    const { batch, cancelled } = event;
    const refusal = this.#refusal(batch.id, () => this.#options.store.note(event));
    this.#begin(batch, { cancelled, refusal });
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
    while (this.#runs.size > 0) {
      await Promise.all(Array.from(this.#runs.values(), ({ ended }) => ended));
    }
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

  /** Runs a batch, or, where it was cancelled before, reports that it did not run. */
  #begin(batch: Batch, options: BeginOptions): void {
    const abort = new AbortController();
    if (options.cancelled) abort.abort("the batch was cancelled" satisfies StopReason);
    const { refusal } = options;
    this.#runs.set(batch.id, { abort, ended: this.#run(batch, { signal: abort.signal, refusal }) });
  }

  async #run(batch: Batch, options: ActionOptions): Promise<void> {
    const { clock, report, log } = this.#options;
    // Whoever told us of the batch goes on first: the burst is on its way before any check starts.
    await Promise.resolve();
    const startedMs = clock.nowMs();
    report(batch.id, { state: "running" });
    const results = await this.#results(batch, options);
    const passed = results.every(({ outcome }) => outcome.status === "pass");
    const body = encodeResults(results);
    log.write("info", "batch_done", `ran batch ${batch.id}`, {
      checks: results.length,
      notPassing: results.filter(({ outcome }) => outcome.status !== "pass").length,
      actions: results.filter(({ action }) => action !== undefined).length,
      durationMs: Math.round(clock.nowMs() - startedMs),
    });
    this.#runs.delete(batch.id);
    this.#unsettled.add(batch.id);
    this.#tell(batch, { passed, body });
  }

  /**
   * What the store cannot keep is still told to another origin: only a crash now would lose it. As
   * the origin itself the node keeps trying, since nobody else has its outcomes.
   */
  #tell(batch: Batch, outcomes: Outcomes): void {
    const { store, report, timers } = this.#options;
    this.#refusal(batch.id, () => store.finished(batch, outcomes));
    if (report(batch.id, { state: "done", ...outcomes })) return;
    timers.after(STORE_RETRY_MS, () => this.#tell(batch, outcomes));
  }

  /** Why the store could not keep something, said in the log as well; undefined where it did. */
  #refusal(batchId: BatchId, keep: () => void): StoreError | undefined {
    try {
      keep();
      return undefined;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#options.log.write("error", "store_failed", error.message, { batch: batchId });
      return error;
    }
  }

  /**
   * Raises `HostError` where a rule forbids the action, and `StoreError` where it could not be
   * remembered that it starts: then it must not.
   */
  #actionStarting(batch: Batch, { check, refusal }: ActionOptions & { check: Check }): void {
    const { rules, store } = this.#options;
    const { id } = batch;
    rules.actionStarting(batch, check);
    const why = refusal ?? this.#refusal(id, () => store.actionStarting(id, check.name));
    if (why === undefined) return;
    throw new StoreError(
      `not started, since this node could not remember that it was: ${why.message}`,
      { cause: why },
    );
  }

  async #results(batch: Batch, options: ActionOptions): Promise<readonly CheckResult[]> {
    const { node, runner } = this.#options;
    const refused = this.#refusedResults(batch);
    if (refused !== undefined) return refused;
    const ofKeys = this.#options.keys?.run(batch, options.signal);
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
      signal: options.signal,
      onActionStarting: (check) => this.#actionStarting(batch, { ...options, check }),
      onResult: (result) => this.#checkEnded(batch, { checks, result }),
    });
  }

  #checkEnded(batch: Batch, options: { checks: readonly Check[]; result: CheckResult }): void {
    const { rules, store } = this.#options;
    const { checks, result } = options;
    const check = checks.find(({ name }) => name === result.check);
    rules.checkEnded(batch, { check, result });
    this.#refusal(batch.id, () => store.checkEnded(batch.id, result));
  }

  /** What the results say of a batch that may not run; undefined where it may. */
  #refusedResults(batch: Batch): CheckResult[] | undefined {
    try {
      this.#options.rules.starting(batch);
      return undefined;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      const outcome = { status: "error", reason: error.message } as const;
      return checkNames(batch.body).map((check) => ({ check, outcome, durationMs: 0 }));
    }
  }
}
