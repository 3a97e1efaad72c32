/** Lines on the terminal, for the scripts. @module */

/** Writes one line, or several, on stdout. */
export function print(text: string): void {
  writeAll(Deno.stdout, text);
}

/** Writes one line, or several, on stderr. */
export function printError(text: string): void {
  writeAll(Deno.stderr, text);
}

function writeAll(output: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let rest = new TextEncoder().encode(`${text}\n`);
  while (rest.length > 0) rest = rest.subarray(output.writeSync(rest));
}
