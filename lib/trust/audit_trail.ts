/**
 * Writes a node's audit log, and keeps what could not be recorded from running.
 * @module
 */
import type { Batch } from "../batch/batch.ts";
import { type ActionResult, type Check, type CheckResult, endText } from "../batch/check.ts";
import type { BodySummary } from "../batch/body.ts";
import type { BatchId } from "../batch/id.ts";
import { BoundedMap } from "../bounded_map.ts";
import { HostError } from "../errors.ts";
import type { BatchRefused } from "../gossip/types.ts";
import { AUDIT_REFUSALS_PER_MINUTE } from "../limits.ts";
import type { Clock, Log, Timers } from "../runtime.ts";
import type { AuditedBatch, AuditLog, AuditRecord } from "./audit.ts";

/** Window over which refusals are counted. */
const WINDOW_MS = 60_000;
/** Batches that could not be recorded and are recorded again before they run; far more than wait at once. */
const UNRECORDED_MAX = 1_000;

/** What is recorded of a batch that was accepted. */
export interface AcceptedBatch {
  /** Whether it runs here at once. */
  readonly runsHere: boolean;
  /** What it holds. */
  readonly summary: BodySummary;
}

/** What an `AuditTrail` is made of. */
export interface AuditTrailOptions {
  /** Where records are written; undefined if none are kept. */
  readonly file: Pick<AuditLog, "record" | "reopen" | "close"> | undefined;
  /** The name of the trusted key that an admitted batch is signed by. */
  readonly signerOf: (batch: Batch) => string | undefined;
  /** Where failures are logged. */
  readonly log: Log;
  /** For the rate of refusals. */
  readonly clock: Clock;
  /** For the rate of refusals. */
  readonly timers: Timers;
}

/** Records batches and actions from start to `close`. */
export class AuditTrail {
  readonly #options: AuditTrailOptions;
  readonly #unrecorded = new BoundedMap<BatchId, AcceptedBatch>({ max: UNRECORDED_MAX });
  #windowEndMs = -Infinity;
  #refusals = 0;
  #leftOut: { count: number; reason: string } | undefined;
  #disarm = () => {};

  /** Writes nothing yet. */
  constructor(options: AuditTrailOptions) {
    this.#options = options;
  }

  /** Records that a batch was accepted. If that fails it is logged, and the batch must be recorded before it runs. */
  accepted(batch: Batch, options: AcceptedBatch): void {
    try {
      this.#recordAccepted(batch, options);
    } catch (error) {
      this.#unrecorded.set(batch.id, options);
      this.#failed(error);
    }
  }

  /**
   * To be called before anything of a batch runs. Raises `HostError` if the batch is not on record and
   * cannot be recorded now.
   */
  starting(batch: Batch): void {
    const unrecorded = this.#unrecorded.get(batch.id);
    if (unrecorded === undefined) return;
    this.#recordAccepted(batch, unrecorded);
    this.#unrecorded.delete(batch.id);
  }

  /** Records that a batch was refused. Past a number in one minute refusals are only counted. */
  refused({ batchId, origin, reason }: BatchRefused): void {
    const { clock, timers } = this.#options;
    if (clock.nowMs() >= this.#windowEndMs) {
      this.#closeWindow();
      this.#windowEndMs = clock.nowMs() + WINDOW_MS;
    }
    if (this.#refusals < AUDIT_REFUSALS_PER_MINUTE) {
      this.#refusals++;
      return this.#try({ event: "batch_refused", batch: batchId, origin, reason });
    }
    if (this.#leftOut === undefined) {
      this.#disarm = timers.after(WINDOW_MS, () => this.#closeWindow());
    }
    this.#leftOut = { count: (this.#leftOut?.count ?? 0) + 1, reason };
  }

  /** Records that an action is about to start. Raises `HostError` if that fails: it must not start then. */
  actionStarting(batch: Batch, check: Check): void {
    const command = check.action ?? "";
    const action = { ...this.#of(batch), check: check.name, command };
    this.#options.file?.record({ event: "action_started", ...action });
  }

  /** Records how the action of a check ended, if it had one. */
  checkEnded(batch: Batch, options: { check: Check | undefined; result: CheckResult }): void {
    const { check, result: { check: name, action } } = options;
    if (action === undefined) return;
    this.#try({
      event: action.end.type === "refused" ? "action_refused" : "action_ended",
      ...this.#of(batch),
      check: name,
      command: check?.action ?? "",
      outcome: outcomeOf(action),
    });
  }

  /** Opens the file again after something else has moved it away. */
  reopen(): void {
    try {
      this.#options.file?.reopen();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Records the refusals that were only counted, and closes the file. */
  close(): void {
    this.#closeWindow();
    this.#options.file?.close();
  }

  #recordAccepted(batch: Batch, { runsHere, summary }: AcceptedBatch): void {
    this.#options.file?.record({
      event: "batch_accepted",
      ...this.#of(batch),
      runsHere,
      ...(summary.type === "checks" ? { checks: summary.names } : {}),
      ...(summary.type === "keys" && summary.step !== undefined ? { keys: summary.step } : {}),
    });
  }

  #closeWindow(): void {
    this.#disarm();
    this.#refusals = 0;
    this.#windowEndMs = -Infinity;
    const leftOut = this.#leftOut;
    this.#leftOut = undefined;
    if (leftOut !== undefined) this.#try({ event: "batches_refused", ...leftOut });
  }

  /** Records what has happened already; if that fails it is logged. */
  #try(record: AuditRecord): void {
    try {
      this.#options.file?.record(record);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (!(error instanceof HostError)) throw error;
    this.#options.log.write("error", "audit_failed", error.message);
  }

  #of(batch: Batch): AuditedBatch {
    const signer = this.#options.signerOf(batch);
    return {
      batch: batch.id,
      origin: batch.origin.name,
      ...(signer === undefined ? {} : { signer }),
    };
  }
}

function outcomeOf({ end }: ActionResult): string {
  return end.type === "refused" ? end.reason : endText(end);
}
