/**
 * What a node's operator lets batches do on it: `-no-actions`, `-allow-actions` and `-checks`.
 * @module
 */
import { UsageError } from "../errors.ts";

/** What the flags say; absent fields do not restrict. */
export interface PolicyOptions {
  /** Set where no action from anywhere may run: the reason that results will show. */
  readonly noActionsBecause?: string;
  /** The exact commands that may run. */
  readonly allowedActions?: ReadonlySet<string>;
  /** The check types that may run. */
  readonly allowedCheckTypes?: ReadonlySet<string>;
}

/** Decides, on the node itself, what may run. A refusal is told in the results. */
export class Policy {
  readonly #options: PolicyOptions;

  /** An empty `options` allows everything. */
  constructor(options: PolicyOptions) {
    this.#options = options;
  }

  /** Why this command may not run here; `undefined` where it may. */
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
 * Reads the file of `-allow-actions`: one command a line, compared byte for byte with what a check
 * asks for; empty lines and lines that start with `#` are passed over. Raises `UsageError` for a
 * file with NUL bytes, which no command can hold.
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
