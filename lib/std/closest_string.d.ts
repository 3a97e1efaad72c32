/**
 * Types of `@std/text/closest-string`: the npm package `deno-std` ships no types.
 * @module
 */
/** The one of `possibleWords` with the smallest edit distance to `givenWord`; throws on no words. */
export function closestString(givenWord: string, possibleWords: readonly string[]): string;
