/**
 * Finds one byte string in a stream of chunks (Knuth, Morris and Pratt, 1977). How far the match
 * has come is all that it carries from chunk to chunk, so a match may lie across any number of
 * them, and the time is linear in what is read whatever the needle.
 * @module
 */

/** A search for one needle through one stream. */
export class ByteFinder {
  readonly #needle: Uint8Array;
  /** At `i`: the length of the longest proper prefix of the needle that ends its first `i + 1` bytes. */
  readonly #fallback: Uint32Array;
  #matched = 0;

  /** `needle` holds at least one byte. */
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

  /** Takes the next chunk; true once the needle has been seen. */
  push(chunk: Uint8Array): boolean {
    const needle = this.#needle;
    const first = needle[0] ?? 0;
    let matched = this.#matched;
    for (let index = 0; index < chunk.length && matched < needle.length; index++) {
      if (matched === 0) {
        // The engine's own search skips what cannot begin a match far faster than this loop.
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
