/**
 * The V8 flags of each program, read from its task in deno.json, so that compiled programs and
 * tests use the same flags.
 *
 * `--max-semi-space-size=2` limits the young generation of V8, which otherwise grows to 48 MiB in a
 * burst of batches, to an eighth of that. Garbage collections are more frequent, but a daemon is
 * mostly idle.
 * @module
 */

/** Returns the V8 flags of `gossipcheckd` or `gcheck`. */
export function engineFlags(program: string): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("../deno.json", import.meta.url)));
  const command: string = tasks[program].command;
  return command.split(" ").filter((part) => part.startsWith("--v8-flags="));
}
