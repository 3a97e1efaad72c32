/**
 * The audit log: one JSON line for every batch that a node accepts or refuses and for every action.
 * @module
 */
import type { AppendFile, Clock } from "../runtime.ts";

/** Which batch a record is about. */
export interface AuditedBatch {
  /** Its id. */
  readonly batch: string;
  /** The node that it names as its origin, to which its results go. */
  readonly origin: string;
  /** The name of the trusted key that signed it; absent if it is unsigned or the node has no trusted keys. */
  readonly signer?: string;
}

/** Which action a record is about. */
export interface AuditedAction extends AuditedBatch {
  /** Its check. */
  readonly check: string;
  /** The shell command, whole. */
  readonly command: string;
}

/** One record; `when`, the time in ISO 8601 UTC, is put before it. */
export type AuditRecord =
  | AuditedBatch & {
    /** A batch was accepted, to be run here or only to be forwarded. */
    readonly event: "batch_accepted";
    /** Whether it runs here at once; a held one may run later. */
    readonly runsHere: boolean;
    /** The names of its checks, if it holds checks. */
    readonly checks?: readonly string[];
    /** Which change of the cluster's keys it is, if it is one: `install`, `use`, `remove` or `list`. */
    readonly keys?: string;
  }
  | AuditedBatch & {
    /** A batch was neither run nor forwarded. */
    readonly event: "batch_refused";
    /** Why. */
    readonly reason: string;
  }
  | {
    /** More batches were refused, too many in a minute for a record each. */
    readonly event: "batches_refused";
    /** Their number. */
    readonly count: number;
    /** Why the last one was refused. */
    readonly reason: string;
  }
  | AuditedAction & {
    /** An action is about to start. */
    readonly event: "action_started";
  }
  | AuditedAction & {
    /** An action ended, or was refused. */
    readonly event: "action_ended" | "action_refused";
    /** `exit 0`, `signal SIGKILL`, `timed out`, `aborted`, or the refusal's reason. */
    readonly outcome: string;
  };

/** Writes records, and rotates the file past its maximum size. */
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

  /** Opens the file again after something else has moved it away (SIGHUP). */
  reopen(): void {
    this.#file.reopen();
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }
}
