/**
 * Virtual time and seeded randomness of a simulated cluster: the same seed gives the same run.
 * @module
 */
import process from "node:process";
import type { Random } from "../../lib/runtime.ts";

/** A random generator with a seed (sfc32, by Chris Doty-Humphrey). Not for secrets. */
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

  /** An integer from 0 to below `bound`. */
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

/** Hashes a text to two 32-bit numbers (mixing of cyrb53). */
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

/**
 * Resolves once no promise is left that can settle without an event from outside. A tick of
 * `node:process` that is planned within a microtask runs when the microtask queue is empty. Costs less
 * than a microsecond, where a timer costs a millisecond.
 */
export async function promisesSettled(): Promise<void> {
  // Planned outside of a microtask, the tick would run before all of them.
  await null;
  await new Promise<void>((resolve) => process.nextTick(resolve));
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  /** Absent once it was cancelled. */
  run: (() => void) | undefined;
}

/** Events further away than the present slot wait unsorted: most are timeouts, which are cancelled. */
const SLOT_MS = 500;

/** The events to come, in the order of their time; those of the same time in the order of their planning. */
export class Schedule {
  /** The events up to the end of the present slot, as a binary heap. */
  readonly #heap: Due[] = [];
  /** The later ones, by the number of their slot. */
  readonly #slots = new Map<number, Due[]>();
  #slot = 0;
  #order = 0;
  #pending = 0;
  #nowMs = 0;

  /** Milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Number of events to come. */
  get pending(): number {
    return this.#pending;
  }

  /** Runs `run` after `delayMs`, unless the returned function is called before. */
  after(delayMs: number, run: () => void): () => void {
    const due: Due = { atMs: this.#nowMs + Math.max(delayMs, 0), order: this.#order++, run };
    this.#pending++;
    this.#add(due);
    return () => {
      if (due.run === undefined) return;
      due.run = undefined;
      this.#pending--;
    };
  }

  /** Lets `ms` pass for code without promises: runs each event that falls due. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let run; (run = this.#next(untilMs)) !== undefined;) run();
    this.#nowMs = untilMs;
  }

  /** Lets `ms` pass: runs each event that falls due, and lets all promises settle after each. */
  async passSettled(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await promisesSettled();
    for (let run; (run = this.#next(untilMs)) !== undefined;) {
      run();
      await promisesSettled();
    }
    this.#nowMs = untilMs;
  }

  /** Takes the next event that falls due by then, and moves the time on to it. */
  #next(untilMs: number): (() => void) | undefined {
    for (;;) {
      const due = this.#heap[0];
      if (due === undefined) {
        if ((this.#slot + 1) * SLOT_MS > untilMs) return undefined;
        this.#openSlot();
        continue;
      }
      if (due.atMs > untilMs) return undefined;
      this.#pop();
      if (due.run === undefined) continue;
      const { run } = due;
      due.run = undefined;
      this.#pending--;
      this.#nowMs = due.atMs;
      return run;
    }
  }

  #add(due: Due): void {
    const slot = Math.floor(due.atMs / SLOT_MS);
    if (slot <= this.#slot) {
      this.#heap.push(due);
      return this.#rise(this.#heap.length - 1);
    }
    const later = this.#slots.get(slot);
    if (later === undefined) this.#slots.set(slot, [due]);
    else later.push(due);
  }

  #openSlot(): void {
    const opened = this.#slots.get(++this.#slot);
    this.#slots.delete(this.#slot);
    for (const due of opened ?? []) if (due.run !== undefined) this.#add(due);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const due = heap[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(due, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = due;
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
