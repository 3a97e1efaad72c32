/**
 * The operator's policy for batches on a node: `-no-actions`, `-allow-actions` and `-checks`.
 * @module
 */
import { UsageError } from "../errors.ts";

/** The restrictions; absent fields do not restrict. */
export interface PolicyOptions {
  /** Why no action may run at all, as results show it. */
  readonly noActionsBecause?: string;
  /** The exact commands that may run. */
  readonly allowedActions?: ReadonlySet<string>;
  /** The check types that may run. */
  readonly allowedCheckTypes?: ReadonlySet<string>;
}

/** Decides what may run on the node. Results show each refusal. */
export class Policy {
  readonly #options: PolicyOptions;

  /** An empty `options` allows everything. */
  constructor(options: PolicyOptions) {
    this.#options = options;
  }

  /** Why this command may not run here; `undefined` if it may. */
  refusal(command: string): string | undefined {
    const { noActionsBecause, allowedActions } = this.#options;
    if (noActionsBecause !== undefined) return noActionsBecause;
    if (allowedActions !== undefined && !allowedActions.has(command)) {
      return "the command is not in this node's -allow-actions file";
    }
    return undefined;
  }

  /** Whether checks of this type may run here. */
  checkTypeAllowed(type: string): boolean {
    return this.#options.allowedCheckTypes?.has(type) ?? true;
  }
}

/**
 * Reads the file of `-allow-actions`: one command a line, which must be equal to a check's action;
 * empty lines and lines that start with `#` are ignored. Raises `UsageError` for a file with NUL
 * bytes, which no command can hold.
 */
export function parseAllowedActions(text: string, options: { source: string }): Set<string> {
  const commands = new Set<string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.includes("\0")) {
      throw new UsageError(
        `${options.source} line ${index + 1} holds a NUL byte; expected one shell command a line`,
      );
    }
    commands.add(line);
  }
  return commands;
}
