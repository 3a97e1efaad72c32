/**
 * What this node writes into its audit log, and what follows where it cannot: no batch and no action
 * runs that is not on record.
 * @module
 */
import type { ActionResult, Check, CheckResult } from "../checks/check.ts";
import { HostError } from "../errors.ts";
import type { Batch, BatchId, BatchRefused } from "../gossip/types.ts";
import { AUDIT_REFUSALS_PER_MINUTE } from "../limits.ts";
import type { Clock, Log, Timers } from "../runtime.ts";
import type { AuditedBatch, AuditLog, AuditRecord } from "./audit.ts";
import { checkNames } from "../daemon/check_names.ts";

/** Refusals are counted over this long. */
const WINDOW_MS = 60_000;
/** Batches whose taking could not be recorded and that may still be let run; far more than wait at once. */
const UNRECORDED_MAX = 1_000;

/** What an `AuditTrail` is made of. */
export interface AuditTrailOptions {
  /** Where records go; undefined where none are kept. */
  readonly file: Pick<AuditLog, "record" | "reopen" | "close"> | undefined;
  /** The name of the trusted key that an admitted batch is signed by. */
  readonly signerOf: (batch: Batch) => string | undefined;
  /** Says what could not be recorded. */
  readonly log: Log;
  /** For the rate of refusals. */
  readonly clock: Clock;
  /** For the rate of refusals. */
  readonly timers: Timers;
}

/** Records batches and actions from start to `close`. */
export class AuditTrail {
  readonly #options: AuditTrailOptions;
  readonly #unrecorded = new Map<BatchId, { readonly runsHere: boolean }>();
  #windowEndMs = -Infinity;
  #refusals = 0;
  #leftOut: { count: number; reason: string } | undefined;
  #disarm = () => {};

  /** Writes nothing yet. */
  constructor(options: AuditTrailOptions) {
    this.#options = options;
  }

  /** A batch was taken. What cannot be recorded of that stands in the log and keeps it from running. */
  taken(batch: Batch, options: { runsHere: boolean }): void {
    try {
      this.#recordTaken(batch, options);
    } catch (error) {
      this.#unrecorded.set(batch.id, options);
      const [oldest] = this.#unrecorded.keys();
      if (this.#unrecorded.size > UNRECORDED_MAX && oldest !== undefined) {
        this.#unrecorded.delete(oldest);
      }
      this.#failed(error);
    }
  }

  /**
   * To be called before anything of a batch runs. Raises `HostError` where its taking is not on
   * record and still cannot be put there.
   */
  starting(batch: Batch): void {
    const unrecorded = this.#unrecorded.get(batch.id);
    if (unrecorded === undefined) return;
    this.#recordTaken(batch, unrecorded);
    this.#unrecorded.delete(batch.id);
  }

  /** A batch was not let in. Further ones in the same minute are counted and not told one by one. */
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

  /** An action is about to start. Raises `HostError` where that cannot be recorded. */
  actionStarting(batch: Batch, check: Check): void {
    const command = check.action ?? "";
    const action = { ...this.#of(batch), check: check.name, command };
    this.#options.file?.record({ event: "action_started", ...action });
  }

  /** A check's result is there; where it has an action, how that ended is recorded. */
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

  /** After something else moved the file away. */
  reopen(): void {
    try {
      this.#options.file?.reopen();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Records what was only counted so far, and closes the file. */
  close(): void {
    this.#closeWindow();
    this.#options.file?.close();
  }

  #recordTaken(batch: Batch, { runsHere }: { runsHere: boolean }): void {
    const { file } = this.#options;
    file?.record({
      event: "batch_taken",
      ...this.#of(batch),
      runsHere,
      checks: checkNames(batch.body),
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

  /** Records what has happened already: where that fails, the log is the place that is left. */
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
  switch (end.type) {
    case "exited":
      return `exit ${end.code}`;
    case "signaled":
      return `signal ${end.signal}`;
    case "timed_out":
      return "timed out";
    case "aborted":
    case "interrupted":
      return end.type;
    case "refused":
      return end.reason;
    default:
      return end satisfies never;
  }
}
