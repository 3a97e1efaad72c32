/**
 * Many names in little room.
 * @module
 */

/** Up to this many names are always written out. */
const LISTED_MAX = 8;
/** Runs shorter than this are not worth folding. */
const RUN_MIN = 3;

/** Orders names as people do: `web-2` before `web-10`. Made once: it is slow to make. */
const COLLATOR = new Intl.Collator("en", { numeric: true });

/** Below 0 where `a` comes first. */
export function compareNames(a: string, b: string): number {
  return COLLATOR.compare(a, b);
}

/** In the order that people expect. */
export function sortNames(names: Iterable<string>): string[] {
  return [...names].sort(compareNames);
}

/**
 * `names` as a list. More than eight are folded where they differ in their last number alone:
 * `web-1, web-2, web-3` becomes `web-[1-3]`, as in the node sets of pdsh and Slurm.
 */
export function foldNames(names: Iterable<string>): string[] {
  const sorted = sortNames(new Set(names));
  if (sorted.length <= LISTED_MAX) return sorted;
  const folds = new Map<string, { head: string; tail: string; numbers: string[] }>();
  for (const name of sorted) {
    const [, head = name, number, tail = ""] = /^(.*?)(\d{1,15})(\D*)$/s.exec(name) ?? [];
    // Zeros in front are part of a name: web-007 is no neighbour of web-8.
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

/** `412 nodes: web-[1-400], db-[1-12]`, cut with `…` past `maxCharacters`; few names stand alone. */
export function describeNames(
  names: readonly string[],
  options: { maxCharacters: number },
): string {
  const prefix = names.length > RUN_MIN ? `${names.length} nodes: ` : "";
  const text = prefix + foldNames(names).join(", ");
  if (text.length <= options.maxCharacters) return text;
  return `${text.slice(0, options.maxCharacters - 1).replace(/[\s,]+$/, "")}…`;
}

/** `1-4`, `7`: consecutive numbers of a sorted list, their zeros in front kept. */
function runs(numbers: readonly string[]): string[] {
  const found: { first: string; last: string }[] = [];
  for (const number of numbers) {
    const current = found.at(-1);
    if (current !== undefined && Number(number) === Number(current.last) + 1) current.last = number;
    else found.push({ first: number, last: number });
  }
  return found.map(({ first, last }) => first === last ? first : `${first}-${last}`);
}
