/** Prints lines on stdout and stderr, for the scripts. @module */

/** Prints a text and a line feed on stdout. */
export function print(text: string): void {
  writeAll(Deno.stdout, text);
}

/** Prints a text and a line feed on stderr. */
export function printError(text: string): void {
  writeAll(Deno.stderr, text);
}

function writeAll(output: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let rest = new TextEncoder().encode(`${text}\n`);
  while (rest.length > 0) rest = rest.subarray(output.writeSync(rest));
}
