/**
 * Random samples of members.
 * @module
 */
import type { Random } from "../runtime.ts";

/** `count` of the items in random order; all of them where there are fewer. */
export function sample<T>(
  items: Iterable<T>,
  options: { readonly count: number; readonly random: Random },
): T[] {
  return draw([...items], options);
}

/** As `sample` (Fisher and Yates), and the pool itself becomes the sample: each push draws one. */
export function draw<T>(
  pool: T[],
  options: { readonly count: number; readonly random: Random },
): T[] {
  const count = Math.min(options.count, pool.length);
  for (let index = 0; index < count; index++) {
    const other = index + Math.floor(options.random.next() * (pool.length - index));
    const drawn = pool[other] as T;
    pool[other] = pool[index] as T;
    pool[index] = drawn;
  }
  pool.length = count;
  return pool;
}
