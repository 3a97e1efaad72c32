/**
 * The interface of a check type: its definition, from which parsing, validation, help and the
 * reference in the README are derived, and its probe.
 * @module
 */
import type { Outcome } from "../batch/check.ts";
import type { Host } from "../runtime.ts";

/** The type of a field's value. All values are strings in a check file. */
export type FieldKind =
  /** A path of a file or a part of it: not empty, no NUL. */
  | "path"
  /** A text to search for: not empty. */
  | "text"
  /** A shell command: not empty, no NUL, at most `ACTION_MAX_BYTES`. */
  | "command"
  /** A duration in the syntax of Go, `90s` or `1h30m`, from 1 ms to `ACTION_TIMEOUT_MAX_MS`. */
  | "duration";

/** The definition of one field. */
export interface FieldDefinition {
  /** Key in a check file. */
  readonly name: string;
  readonly kind: FieldKind;
  readonly required: boolean;
  /** One sentence, for help and the reference. */
  readonly summary: string;
  /** Value of an absent field, for help and the reference. */
  readonly default?: string;
}

/** Arguments of a probe beside the fields of the check. */
export interface ProbeContext {
  readonly host: Host;
  /** Aborts if the check has timed out, or its batch was cancelled. */
  readonly signal: AbortSignal;
}

/** One check type: its definition and its probe. */
export interface CheckType {
  /** Value of `type` in a check file. */
  readonly name: string;
  /** When the check passes, one sentence, for help and the reference. */
  readonly summary: string;
  /** Fields beside the `COMMON_FIELDS`, in the order of the reference. */
  readonly fields: readonly FieldDefinition[];
  /** Names of fields of which at least one is required. */
  readonly atLeastOneOf?: readonly string[];
  /** Set if the probe may start processes: its node then needs `--allow-run`. */
  readonly needsProcesses?: true;
  /** Fields of an example, for help and the reference. */
  readonly example: Readonly<Record<string, string>>;
  /**
   * Decides the outcome of a check whose `fields` are valid. If it rejects, the outcome is `error`:
   * with the message of a `HostError`, or as an internal error.
   */
  probe(fields: Readonly<Record<string, string>>, context: ProbeContext): Promise<Outcome>;
}
