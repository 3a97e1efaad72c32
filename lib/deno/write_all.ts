/**
 * Writes a whole text; one call of `writeSync` may write only a part.
 * @module
 */

/** Writes a text as UTF-8. Raises the error of `writeSync`; a part may have been written. */
export function writeAll(
  target: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  for (let rest = new TextEncoder().encode(text); rest.length > 0;) {
    rest = rest.subarray(target.writeSync(rest));
  }
}
