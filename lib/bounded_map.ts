/**
 * A map of bounded size that evicts its oldest entry.
 * @module
 */

/** A `Map` that holds at most `max` entries. Setting a key makes it the newest. */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #max: number;

  /** `max` is at least 1. */
  constructor(options: { readonly max: number }) {
    super();
    this.#max = options.max;
  }

  /** Sets a value as the newest entry, and evicts the oldest entry if there are more than `max`. */
  override set(key: K, value: V): this {
    this.setAndEvict(key, value);
    return this;
  }

  /** Does the same as `set` and returns the evicted entry, if any. */
  setAndEvict(key: K, value: V): readonly [K, V] | undefined {
    this.delete(key);
    super.set(key, value);
    if (this.size <= this.#max) return undefined;
    const [oldest] = this;
    if (oldest !== undefined) this.delete(oldest[0]);
    return oldest;
  }
}
