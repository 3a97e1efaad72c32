/**
 * What V8 is told for each program, as the program's task in deno.json says it: whatever else runs
 * or compiles the program asks here, so that all ways to run it are alike.
 *
 * `--max-semi-space-size=2`: left alone, V8 lets garbage pile up in a young generation of up to
 * 48 MiB once a burst of batches has come. A daemon is mostly at rest beside the work of its host,
 * so it collects sooner and keeps an eighth of that.
 * @module
 */

/** The flags for `gossipcheckd` or `gcheck`. */
export function engineFlags(program: string): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("../deno.json", import.meta.url)));
  const command: string = tasks[program].command;
  return command.split(" ").filter((part) => part.startsWith("--v8-flags="));
}
