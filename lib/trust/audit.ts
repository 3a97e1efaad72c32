/**
 * The audit log: one JSON line for every batch that a node takes or refuses and for every action.
 * @module
 */
import type { AppendFile, Clock } from "../runtime.ts";

/** What is recorded; `when`, in ISO 8601 UTC, is put before it. */
export type AuditRecord =
  | {
    /** A batch was taken to be run here. */
    readonly event: "batch_taken";
    /** Its id. */
    readonly batch: string;
    /** The node that collects its results. */
    readonly origin: string;
    /** The name of the key that signed it; absent where it is unsigned. */
    readonly signer?: string;
    /** The names of its checks. */
    readonly checks: readonly string[];
  }
  | {
    /** A batch was neither run nor forwarded. */
    readonly event: "batch_refused";
    /** Its id. */
    readonly batch: string;
    /** The node that it names as its origin. */
    readonly origin: string;
    /** The name of the key that signed it, where that was found to be true. */
    readonly signer?: string;
    /** Why. */
    readonly reason: string;
  }
  | {
    /** An action is about to start. */
    readonly event: "action_started";
    /** Its batch. */
    readonly batch: string;
    /** Its check. */
    readonly check: string;
    /** The shell command, whole. */
    readonly command: string;
  }
  | {
    /** An action ended, or was never let start. */
    readonly event: "action_ended" | "action_refused";
    /** Its batch. */
    readonly batch: string;
    /** Its check. */
    readonly check: string;
    /** The shell command, whole. */
    readonly command: string;
    /** `exit 0`, `signal KILL`, `timed out`, `aborted`, or the refusal's reason. */
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
