/**
 * Searches a stream of chunks for a byte string (Knuth, Morris and Pratt, 1977). A match may span
 * any number of chunks. The time is linear in the length of the stream for every needle: at most
 * two comparisons a byte. `Buffer.indexOf` is no replacement: it compares up to the whole needle at
 * each byte, so that a needle of 1,000 times "a" and a "b" slows it to under 1 MiB/s in a file of
 * "a".
 * @module
 */

/** A search for one needle in one stream. */
export class ByteFinder {
  readonly #needle: Uint8Array;
  /** At `i`: the length of the longest proper prefix of `needle[0..i]` that is also its suffix. */
  readonly #fallback: Uint32Array;
  #matched = 0;

  /** `needle` must have at least one byte. */
  constructor(needle: Uint8Array) {
    this.#needle = needle;
    this.#fallback = new Uint32Array(needle.length);
    for (let index = 1, length = 0; index < needle.length; index++) {
      while (length > 0 && needle[index] !== needle[length]) {
        length = this.#fallback[length - 1] ?? 0;
      }
      if (needle[index] === needle[length]) length++;
      this.#fallback[index] = length;
    }
  }

  /** Searches the next chunk; returns true once the needle is complete. */
  push(chunk: Uint8Array): boolean {
    const needle = this.#needle;
    const first = needle[0] ?? 0;
    let matched = this.#matched;
    for (let index = 0; index < chunk.length && matched < needle.length; index++) {
      if (matched === 0) {
        // The native search skips bytes that cannot start a match much faster than this loop.
        index = chunk.indexOf(first, index);
        if (index === -1) break;
        matched = 1;
        continue;
      }
      const byte = chunk[index];
      while (matched > 0 && needle[matched] !== byte) matched = this.#fallback[matched - 1] ?? 0;
      if (needle[matched] === byte) matched++;
    }
    this.#matched = matched;
    return matched === needle.length;
  }
}
