/**
 * Writing to the end: one call of the platform may take a part of what it is given.
 * @module
 */

/** Writes all of a text, as UTF-8. Raises what the platform raises, with a part of it written. */
export function writeAll(
  target: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  for (let rest = new TextEncoder().encode(text); rest.length > 0;) {
    rest = rest.subarray(target.writeSync(rest));
  }
}
