/**
 * Runs the batches of this node, from acceptance to report.
 * @module
 */
import type { Batch } from "../batch/batch.ts";
import type { ReadBody } from "../batch/body.ts";
import type { Check, CheckResult, Outcome } from "../batch/check.ts";
import type { BatchId } from "../batch/id.ts";
import type { KeyOperation } from "../batch/key_operation.ts";
import { encodeReport, type Report, reportPassed } from "../batch/report.ts";
import type { RunOptions } from "../checks/runner.ts";
import { HostError, StoreError } from "../errors.ts";
import type { BatchAccepted, BatchReleased, LocalReport } from "../gossip/types.ts";
import type { BatchStore, JournalRecord } from "../journal/batch_store.ts";
import type { Clock, Log, Timers } from "../runtime.ts";
import type { RunRules } from "../trust/run_rules.ts";

/** Why a run is ended early: the reason in its results. */
export type StopReason = "the batch was cancelled" | "this node is stopping";

/** Options of `BatchRuns`. */
export interface BatchRunsOptions {
  /** Name of this node, in the environment of actions. */
  readonly node: string;
  /** Runs checks and actions. */
  readonly runner: { run(options: RunOptions): Promise<readonly CheckResult[]> };
  /** Runs key operations on this node's keyring. */
  readonly keys: { run(operation: KeyOperation, batchId: BatchId): Report };
  /** Applies the rules of this node, and writes the audit log. */
  readonly rules: Pick<RunRules, "starting" | "actionStarting" | "checkEnded">;
  /** The journal. */
  readonly store: Pick<BatchStore, "keep">;
  /** Passes a report of this node to dissemination. */
  readonly report: (batchId: BatchId, report: LocalReport) => void;
  /** Measures durations. */
  readonly clock: Clock;
  /** For the timeouts of `drain` and `reportsSettled`. */
  readonly timers: Timers;
  readonly log: Log;
}

/** One batch to run. */
interface RunStart {
  readonly batch: Batch;
  readonly body: ReadBody;
  /** Ends the run if it aborts. */
  readonly signal: AbortSignal;
  /** Why the acceptance of the batch is not durable, if so; then none of its actions may start. */
  readonly failure: string | undefined;
}

interface Run {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

/** Runs batches, any number at once; the runner limits how many checks run at once. */
export class BatchRuns {
  readonly #options: BatchRunsOptions;
  readonly #runs = new Map<BatchId, Run>();
  readonly #unsettled = new Set<BatchId>();
  #allSettled: (() => void) | undefined;

  /** Runs nothing before `begin`. */
  constructor(options: BatchRunsOptions) {
    this.#options = options;
  }

  /** Number of batches that are running. */
  get running(): number {
    return this.#runs.size;
  }

  /**
   * Runs a batch that dissemination has accepted or released. If it was cancelled already, its
   * checks are reported as skipped. If its acceptance is not durable, its checks run and its
   * actions do not.
   */
  begin(event: BatchAccepted | BatchReleased, body: ReadBody): void {
    const { batch, cancelled, failure } = event;
    const abort = new AbortController();
    if (cancelled) abort.abort("the batch was cancelled" satisfies StopReason);
    const ended = this.#run({ batch, body, failure, signal: abort.signal });
    this.#runs.set(batch.id, { abort, ended });
  }

  /** Ends the run of a batch: running actions are killed, and no more checks start. */
  stop(batchId: BatchId, reason: StopReason): void {
    this.#runs.get(batchId)?.abort.abort(reason);
  }

  /** Waits until all runs have ended. Runs that take longer than `graceMs` are stopped. */
  async drain(graceMs: number): Promise<void> {
    const cancel = this.#options.timers.after(graceMs, () => {
      for (const batchId of this.#runs.keys()) this.stop(batchId, "this node is stopping");
    });
    while (this.#runs.size > 0) {
      await Promise.all(Array.from(this.#runs.values(), ({ ended }) => ended));
    }
    cancel();
  }

  /** To be called when the origin has acknowledged a report, or the report was abandoned. */
  reportSettled(batchId: BatchId): void {
    this.#unsettled.delete(batchId);
    if (this.#unsettled.size === 0) this.#allSettled?.();
  }

  /** Waits until all reports are settled, at most `timeoutMs`. */
  async reportsSettled(timeoutMs: number): Promise<void> {
    if (this.#unsettled.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#allSettled = resolve;
      this.#options.timers.after(timeoutMs, resolve);
    });
  }

  async #run(start: RunStart): Promise<void> {
    const { clock, report, log } = this.#options;
    const { batch } = start;
    const startedMs = clock.nowMs();
    report(batch.id, { state: "running" });
    const found = await this.#report(start);
    const durationMs = Math.round(clock.nowMs() - startedMs);
    const passed = reportPassed(found);
    const bytes = encodeReport(found);
    this.#unsettled.add(batch.id);
    // A report that the journal cannot store is sent as well: only a crash now would lose it.
    await this.#record({ type: "finished", batch, passed, report: bytes });
    this.#runs.delete(batch.id);
    log.write("info", "batch_done", `ran batch ${batch.id}`, { ...summaryOf(found), durationMs });
    report(batch.id, { state: "done", passed, report: bytes });
  }

  /** Writes a record; resolves with the reason if it could not be written. */
  #record(record: JournalRecord): Promise<string | undefined> {
    const answer = Promise.withResolvers<string | undefined>();
    this.#options.store.keep(record, (error) => answer.resolve(error?.message));
    return answer.promise;
  }

  async #report(start: RunStart): Promise<Report> {
    const { batch, body, signal } = start;
    const refusal = this.#refusal(start);
    if (refusal !== undefined) return uniformReport(body, { status: "error", reason: refusal });
    switch (body.type) {
      case "unreadable":
        return uniformReport(body, {
          status: "error",
          reason: `this node cannot read the batch: ${body.reason}`,
        });
      case "keys":
        if (!signal.aborted) return this.#options.keys.run(body.operation, batch.id);
        return uniformReport(body, { status: "skipped", reason: String(signal.reason) });
      case "checks":
        return { type: "checks", results: await this.#runChecks(start, body.checks) };
      default:
        return body satisfies never;
    }
  }

  /** Why the batch is not allowed to run; `undefined` if it is. */
  #refusal({ batch }: RunStart): string | undefined {
    try {
      this.#options.rules.starting(batch);
      return undefined;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      return error.message;
    }
  }

  async #runChecks(start: RunStart, checks: readonly Check[]): Promise<readonly CheckResult[]> {
    const { node, runner, rules, store } = this.#options;
    const { batch, signal } = start;
    return await runner.run({
      checks,
      node,
      batchId: batch.id,
      mode: "parallel",
      actions: true,
      signal,
      onActionStarting: (check) => this.#actionStarting(start, check),
      onResult: (result) => {
        const check = checks.find(({ name }) => name === result.check);
        rules.checkEnded(batch, { check, result });
        store.keep({ type: "check_ended", batchId: batch.id, result });
      },
    });
  }

  /**
   * Records that an action starts, and resolves when the record is durable. Rejects with
   * `HostError` if a rule forbids the action, with `StoreError` if it could not be recorded; the
   * action must then not start.
   */
  async #actionStarting({ batch, failure }: RunStart, check: Check): Promise<void> {
    this.#options.rules.actionStarting(batch, check);
    const why = failure ??
      await this.#record({ type: "action_starting", batchId: batch.id, check: check.name });
    if (why === undefined) return;
    throw new StoreError(`not started: this node could not record the start: ${why}`);
  }
}

/** What the log says of a report. */
function summaryOf(report: Report): Readonly<Record<string, number | string>> {
  if (report.type !== "checks") return { outcome: report.outcome.status };
  return {
    checks: report.results.length,
    notPassing: report.results.filter(({ outcome }) => outcome.status !== "pass").length,
    actions: report.results.filter(({ action }) => action !== undefined).length,
  };
}

/** A report with the same outcome for all checks of a batch. */
function uniformReport(body: ReadBody, outcome: Outcome): Report {
  switch (body.type) {
    case "unreadable":
      return { type: "batch", outcome };
    case "keys":
      return { type: "keys", outcome };
    case "checks":
      return {
        type: "checks",
        results: body.checks.map(({ name }) => ({ check: name, outcome, durationMs: 0 })),
      };
    default:
      return body satisfies never;
  }
}
