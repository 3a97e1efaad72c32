/** What of `@std/cli/parse-args` the project uses. */
export interface ParseOptions {
  /** Names whose values are texts. */
  string?: string[];
  /** Names that take no value. */
  boolean?: string[];
  /** Names that may come again and again; their values are an array. */
  collect?: string[];
  /** Other names for a name. */
  alias?: Record<string, string>;
  /** Values of names that are absent. */
  default?: Record<string, unknown>;
  /** Whether what follows `--` is kept apart. */
  "--"?: boolean;
  /** Whether everything after the first positional argument is positional. */
  stopEarly?: boolean;
  /** Called for a name that is none of the above; `false` drops it. */
  unknown?: (argument: string, key?: string, value?: unknown) => unknown;
}
/** Parses command-line arguments; `_` holds the positional ones. */
export function parseArgs(
  args: string[],
  options?: ParseOptions,
): Record<string, unknown> & { _: (string | number)[] };
