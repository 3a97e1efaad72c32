/**
 * Makes a daemon load a module of the test before its program (`deno run --preload`), to inject
 * faults into its process.
 * @module
 */
import type { CommandLine } from "./process.ts";

/** A function to call in the process of the daemon. */
export interface Preload {
  /** A module of this folder. */
  readonly module: string;
  /** The name of the exported function. */
  readonly call: string;
  /** Its argument, which must be JSON. */
  readonly argument: unknown;
}

/** What is missing to preload a file here; `undefined` if nothing is. */
export function missingForPreload(): string | undefined {
  return Deno.env.get("GOSSIPCHECKD") ? "a daemon that runs from source" : undefined;
}

/** Writes the file that calls the function to `path`. */
export function writePreload(path: string, { module, call, argument }: Preload): void {
  const source = JSON.stringify(new URL(module, import.meta.url).href);
  const text = `import { ${call} } from ${source};\n${call}(${JSON.stringify(argument)});\n`;
  Deno.writeTextFileSync(path, text);
}

/** Adds the preloaded `file` to a daemon's command line. Raises `Error` if it runs a compiled executable. */
export function preloading(line: CommandLine, file: string): CommandLine {
  const [run, ...rest] = line.args;
  if (run !== "run") throw new Error(`${line.program} is not run from source: it takes no preload`);
  return { ...line, args: [run, `--preload=${file}`, ...rest] };
}
