/** What of `@std/cli/parse-args` the project uses. */
export interface ParseOptions {
  string?: string[];
  boolean?: string[];
  collect?: string[];
  alias?: Record<string, string>;
  default?: Record<string, unknown>;
  "--"?: boolean;
  stopEarly?: boolean;
  unknown?: (argument: string, key?: string, value?: unknown) => unknown;
}
/** Parses command-line arguments; `_` holds the positional ones. */
export function parseArgs(
  args: string[],
  options?: ParseOptions,
): Record<string, unknown> & { _: (string | number)[] };
