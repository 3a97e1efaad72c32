/**
 * Checks, batches of them and their outcomes, as every other room of the project reads them, and
 * what a check type is made of.
 * @module
 */
import type { Host } from "../runtime.ts";

/** The value of one field. A check file holds strings only; a newer node may send anything. */
export type FieldValue =
  | string
  | number
  | boolean
  | null
  | readonly FieldValue[]
  | { readonly [key: string]: FieldValue };

/** One check of a batch. Which further fields there are is its type's business. */
export interface Check {
  /** Its key in the check file. */
  readonly name: string;
  /** A name in the registry; on the wire it may be one that this node does not know. */
  readonly type: string;
  /** The type's own fields, by name; validated where the check came from a file. */
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** Shell command that runs when the check fails. */
  readonly action?: string;
  /** How long the action may run. */
  readonly actionTimeoutMs: number;
}

/** What a check found: `fail` is "no", `error` is "cannot tell", `skipped` is "was not asked". */
export type Outcome =
  | {
    /** It is as the check says. */
    readonly status: "pass";
  }
  | {
    /** It is not as the check says; only then does an action run. */
    readonly status: "fail";
    /** What was found instead, one line. */
    readonly reason: string;
  }
  | {
    /** It could not be decided. */
    readonly status: "error";
    /** What stood in the way, one line. */
    readonly reason: string;
  }
  | {
    /** The batch was cancelled or the daemon stopped before it was decided. */
    readonly status: "skipped";
    /** By what, one line. */
    readonly reason: string;
  };

/** How an action ended. */
export type ActionEnd =
  | {
    /** It ended by itself. */
    readonly type: "exited";
    /** Its exit status, 0 to 255. */
    readonly code: number;
  }
  | {
    /** Somebody else's signal ended it. */
    readonly type: "signaled";
    /** The signal's name, as in `SIGKILL`. */
    readonly signal: string;
  }
  | {
    /** It was ended with all its children after its check's `action_timeout`. */
    readonly type: "timed_out";
  }
  | {
    /** It was ended by `gcheck cancel` or by the daemon's stop. */
    readonly type: "aborted";
  }
  | {
    /** It was running when the node went down; it is never started again. */
    readonly type: "interrupted";
  }
  | {
    /** Policy, permissions or a cancel did not let it start. */
    readonly type: "refused";
    /** Which of them, one line. */
    readonly reason: string;
  };

/** What became of a failing check's action. */
export interface ActionResult {
  /** How it ended. */
  readonly end: ActionEnd;
  /** The first 64 KiB of what it wrote. */
  readonly output: string;
  /** How many bytes of output were cut. */
  readonly droppedBytes: number;
  /** From its start to its end; 0 where it did not start. */
  readonly durationMs: number;
}

/** One check's outcome on one node. */
export interface CheckResult {
  /** The check's name. */
  readonly check: string;
  /** What it found. */
  readonly outcome: Outcome;
  /** How long looking took, without the wait for its turn and without the action. */
  readonly durationMs: number;
  /** Present where the check failed and has an action. */
  readonly action?: ActionResult;
}

/** What a field may hold. All are strings in a check file. */
export type FieldKind =
  /** A file's path or a part of one: not empty, no NUL. */
  | "path"
  /** Text to look for: not empty. */
  | "text"
  /** A shell command: not empty, no NUL, at most `ACTION_MAX_BYTES`. */
  | "command"
  /** A duration as in Go, `90s` or `1h30m`, from a millisecond to `ACTION_TIMEOUT_MAX_MS`. */
  | "duration";

/** One field of a check: parsing, validation, help and the reference all come from this. */
export interface FieldDefinition {
  /** Its key in a check file. */
  readonly name: string;
  /** What it may hold. */
  readonly kind: FieldKind;
  /** Whether it must be there. */
  readonly required: boolean;
  /** What it means, one sentence. */
  readonly summary: string;
  /** What holds where it is absent. */
  readonly default?: string;
}

/** What a probe gets to look with. */
export interface ProbeContext {
  /** The host to ask. */
  readonly host: Host;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** One check type: its definition and its probe. */
export interface CheckType {
  /** What a check's `type` says. */
  readonly name: string;
  /** What it decides, one sentence. */
  readonly summary: string;
  /** Its own fields, in the order of the reference; those of every check are `COMMON_FIELDS`. */
  readonly fields: readonly FieldDefinition[];
  /** Names of fields of which at least one must be there. */
  readonly atLeastOneOf?: readonly string[];
  /** Whether looking needs another process; what needs none can be asked where none may be started. */
  readonly needsProcesses?: true;
  /** An example's fields, for help and the reference. */
  readonly example: Readonly<Record<string, string>>;
  /**
   * Looks. `fields` were validated against the definition. A rejection with `HostError` becomes the
   * outcome `error`; anything else that is thrown is reported as a bug, and ends nothing else.
   */
  probe(fields: Readonly<Record<string, string>>, context: ProbeContext): Promise<Outcome>;
}
