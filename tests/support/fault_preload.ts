/**
 * Files that a daemon's process loads before its program: what they change there, the program does
 * not know of.
 * @module
 */
import type { CommandLine } from "./process.ts";

/** Which function of which file is called in the process, and with what. */
export interface Preload {
  /** A file of this folder. */
  readonly module: string;
  /** The name of the function that it exports. */
  readonly call: string;
  /** Its one argument, as JSON. */
  readonly argument: unknown;
}

/** Why no daemon loads a file here, or `undefined` where it does. */
export function missingForPreload(): string | undefined {
  return Deno.env.get("GOSSIPCHECKD") ? "a daemon that runs from source" : undefined;
}

/** Writes the file to load to `path`. */
export function writePreload(path: string, { module, call, argument }: Preload): void {
  const source = JSON.stringify(new URL(module, import.meta.url).href);
  const text = `import { ${call} } from ${source};\n${call}(${JSON.stringify(argument)});\n`;
  Deno.writeTextFileSync(path, text);
}

/** A daemon's command line with `file` loaded first. Only its source takes one, no executable. */
export function preloading(line: CommandLine, file: string): CommandLine {
  const [run, ...rest] = line.args;
  if (run !== "run") throw new Error(`${line.program} is not run from source: it takes no preload`);
  return { ...line, args: [run, `--preload=${file}`, ...rest] };
}
