/**
 * Time and chance of a simulated world: both repeat exactly for the same seed.
 * @module
 */
import type { Random } from "../../lib/runtime.ts";

/** A generator that a seed fixes (sfc32, by Chris Doty-Humphrey). Not for secrets. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c = 0x9e37_79b9;
  #counter = 1;

  /** The same seed gives the same numbers. */
  constructor(seed: number | string) {
    const [a, b] = hash(`${seed}`);
    this.#a = a;
    this.#b = b;
    for (let warmUp = 0; warmUp < 12; warmUp++) this.next();
  }

  next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** One of `items`, which has at least one. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }
}

/** Two 32-bit numbers out of a text (cyrb53's mixing). */
export function hash(text: string): [number, number] {
  let [high, low] = [0xdead_beef, 0x41c6_ce57];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^
    Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^
    Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return [high | 0, low | 0];
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** What is to happen, soonest first, and what is due at the same time in the order of its planning. */
export class Schedule {
  readonly #heap: Due[] = [];
  #order = 0;
  #nowMs = 0;

  /** Milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How much is planned. */
  get pending(): number {
    return this.#heap.length;
  }

  /** Runs `run` in `delayMs`. */
  after(delayMs: number, run: () => void): void {
    const due = { atMs: this.#nowMs + Math.max(delayMs, 0), order: this.#order++, run };
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(due, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = due;
  }

  /** Lets `ms` pass, running all that comes due. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (
      let next = this.#heap[0];
      next !== undefined && next.atMs <= untilMs;
      next = this.#heap[0]
    ) {
      this.#pop();
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = untilMs;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
