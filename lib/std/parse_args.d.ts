/**
 * Types of what the project uses of `@std/cli/parse-args`: the npm package `deno-std` ships no types.
 * @module
 */
export interface ParseOptions {
  /** Names of options whose values are strings. */
  string?: string[];
  /** Names of options without a value. */
  boolean?: string[];
  /** Names of options that may be repeated; the value is an array. */
  collect?: string[];
  /** Other names of an option. */
  alias?: Record<string, string>;
  /** Values of options that are absent. */
  default?: Record<string, unknown>;
  /** Collects the arguments after `--` under `--` instead of `_`. */
  "--"?: boolean;
  /** Treats everything after the first positional argument as positional. */
  stopEarly?: boolean;
  /** Called for each option that is not listed above; `false` drops it. */
  unknown?: (argument: string, key?: string, value?: unknown) => unknown;
}
/** Parses command-line arguments; `_` holds the positional ones. */
export function parseArgs(
  args: string[],
  options?: ParseOptions,
): Record<string, unknown> & { _: (string | number)[] };
