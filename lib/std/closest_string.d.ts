/** The one of `possibleWords` (at least one) with the smallest edit distance to `givenWord`. */
export function closestString(givenWord: string, possibleWords: readonly string[]): string;
