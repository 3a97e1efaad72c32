/**
 * The audit log: one JSON line for every batch that a node takes or refuses and for every action.
 * @module
 */
import type { AppendFile, Clock } from "../runtime.ts";

/** Which batch a record is about. */
export interface AuditedBatch {
  /** Its id. */
  readonly batch: string;
  /** The node that it names as its origin: where it was sent from, and where its results go. */
  readonly origin: string;
  /** The name of the trusted key that signed it; absent where it is unsigned or keys are not asked for. */
  readonly signer?: string;
}

/** Which action a record is about. */
export interface AuditedAction extends AuditedBatch {
  /** Its check. */
  readonly check: string;
  /** The shell command, whole. */
  readonly command: string;
}

/** What is recorded; `when`, in ISO 8601 UTC, is put before it. */
export type AuditRecord =
  | AuditedBatch & {
    /** A batch was taken, to be run here or only to be handed on. */
    readonly event: "batch_taken";
    /** Whether it runs here at once; one that waits for its origin's word may run later. */
    readonly runsHere: boolean;
    /** The names of its checks. */
    readonly checks: readonly string[];
  }
  | AuditedBatch & {
    /** A batch was neither run nor forwarded. */
    readonly event: "batch_refused";
    /** Why. */
    readonly reason: string;
  }
  | {
    /** More batches were refused, in too quick succession for a record each. */
    readonly event: "batches_refused";
    /** How many. */
    readonly count: number;
    /** Why, of the last one. */
    readonly reason: string;
  }
  | AuditedAction & {
    /** An action is about to start. */
    readonly event: "action_started";
  }
  | AuditedAction & {
    /** An action ended, or was never let start. */
    readonly event: "action_ended" | "action_refused";
    /** `exit 0`, `signal SIGKILL`, `timed out`, `aborted`, or the refusal's reason. */
    readonly outcome: string;
  };

/** Writes records, and rotates the file when it has grown past its bound. */
export class AuditLog {
  readonly #file: AppendFile;
  readonly #clock: Clock;
  readonly #maxBytes: number;

  /** `maxBytes`: past this size the file is rotated before the next record. */
  constructor(options: { file: AppendFile; clock: Clock; maxBytes: number }) {
    this.#file = options.file;
    this.#clock = options.clock;
    this.#maxBytes = options.maxBytes;
  }

  /** Appends one record. Raises `HostError`: what cannot be recorded must not run. */
  record(record: AuditRecord): void {
    if (this.#file.size() >= this.#maxBytes) this.#file.rotate();
    const when = new Date(this.#clock.wallMs()).toISOString();
    this.#file.append(`${JSON.stringify({ when, ...record })}\n`);
  }

  /** After something else moved the file away (SIGHUP). */
  reopen(): void {
    this.#file.reopen();
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }
}
