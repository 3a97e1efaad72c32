/**
 * Formats lists of names: sorted in natural order, and long lists folded into ranges.
 * @module
 */

/** Up to this many names are listed without folding. */
const LISTED_MAX = 8;
/** Runs of fewer numbers are not folded. */
const RUN_MIN = 3;

/** Natural order: `web-2` before `web-10`. A constant because a collator is slow to create. */
const COLLATOR = new Intl.Collator("en", { numeric: true });

/** Compares two names for sorting in natural order: below 0 if `a` comes first. */
export function compareNames(a: string, b: string): number {
  return COLLATOR.compare(a, b);
}

/** The names in natural order. */
export function sortNames(names: Iterable<string>): string[] {
  return [...names].sort(compareNames);
}

/**
 * The names in natural order, without duplicates. If there are more than eight, names that differ
 * in their last number only are folded: `web-1, web-2, web-3` becomes `web-[1-3]`, as in the host
 * lists of pdsh and Slurm.
 */
export function foldNames(names: Iterable<string>): string[] {
  const sorted = sortNames(new Set(names));
  if (sorted.length <= LISTED_MAX) return sorted;
  const folds = new Map<string, { head: string; tail: string; numbers: string[] }>();
  for (const name of sorted) {
    const [, head = name, number, tail = ""] = /^(.*?)(\d{1,15})(\D*)$/s.exec(name) ?? [];
    // Leading zeros are part of a name: web-007 and web-8 do not form a range.
    const digits = number !== undefined && /^0\d/.test(number) ? number.length : 0;
    const key = JSON.stringify([head, tail, number === undefined, digits]);
    const fold = folds.get(key) ?? { head, tail, numbers: [] };
    if (number !== undefined) fold.numbers.push(number);
    folds.set(key, fold);
  }
  return [...folds.values()].flatMap(({ head, tail, numbers }) => {
    if (numbers.length === 0) return [head];
    if (numbers.length < RUN_MIN) return numbers.map((number) => head + number + tail);
    return [`${head}[${runs(numbers).join(",")}]${tail}`];
  });
}

/**
 * The names as one text, such as `412 nodes: web-[1-400], db-[1-12]`, cut with `…` after
 * `maxCharacters`. Three names or fewer have no count in front.
 */
export function describeNames(
  names: readonly string[],
  options: { maxCharacters: number },
): string {
  const prefix = names.length > RUN_MIN ? `${names.length} nodes: ` : "";
  const text = prefix + foldNames(names).join(", ");
  if (text.length <= options.maxCharacters) return text;
  return `${text.slice(0, options.maxCharacters - 1).replace(/[\s,]+$/, "")}…`;
}

/** The ranges of a sorted list of numbers, such as `1-4` and `7`; leading zeros are kept. */
function runs(numbers: readonly string[]): string[] {
  const found: { first: string; last: string }[] = [];
  for (const number of numbers) {
    const current = found.at(-1);
    if (current !== undefined && Number(number) === Number(current.last) + 1) current.last = number;
    else found.push({ first: number, last: number });
  }
  return found.map(({ first, last }) => first === last ? first : `${first}-${last}`);
}
