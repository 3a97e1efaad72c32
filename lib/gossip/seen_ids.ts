/**
 * A bounded set of ids that evicts the oldest. A ring holds 16 bytes for each id, and an open hash
 * table indexes it with 4 bytes for each slot (linear probing, at most half full). Both grow by
 * doubling. A million ids take 24 MiB; a `Set` of strings would take over 100.
 * @module
 */
import type { BatchId } from "../batch/id.ts";
import { ID_BYTES, idFromBytes, idToBytes } from "../batch/id.ts";

/** Room for ids at first. */
const FIRST_CAPACITY = 64;
/** Words of 4 bytes in an id. */
const ID_WORDS = ID_BYTES / 4;

/** What a `SeenIds` is made of. */
export interface SeenIdsOptions {
  /** Ids that it holds before it evicts the oldest. */
  readonly maxIds: number;
  /** Mixed into the hash, so that nobody can choose ids that collide. */
  readonly seed: number;
}

/** A bounded set of ids. Every operation takes amortized constant time. */
export class SeenIds {
  readonly #maxIds: number;
  readonly #seed: number;
  readonly #key = new Uint32Array(ID_WORDS);
  readonly #keyBytes = new Uint8Array(this.#key.buffer);
  #capacity: number;
  #ring: Uint32Array<ArrayBuffer>;
  /** Ring positions plus one; zero is a free slot. */
  #table: Uint32Array<ArrayBuffer>;
  #oldest = 0;
  #size = 0;

  /** Takes almost no memory until ids come. */
  constructor(options: SeenIdsOptions) {
    this.#maxIds = options.maxIds;
    this.#seed = options.seed >>> 0;
    this.#capacity = Math.min(FIRST_CAPACITY, options.maxIds);
    this.#ring = new Uint32Array(this.#capacity * ID_WORDS);
    this.#table = new Uint32Array(tableSize(this.#capacity));
  }

  /** How many are held. */
  get size(): number {
    return this.#size;
  }

  /** Whether `id` is held. Raises `WireError` on a bad id. */
  has(id: BatchId): boolean {
    idToBytes(id, { into: this.#keyBytes });
    return this.#table[this.#find(this.#key, 0)] !== 0;
  }

  /** Adds `id`; false if it was held already. Raises `WireError` on a bad id. */
  add(id: BatchId): boolean {
    if (this.has(id)) return false;
    if (this.#size === this.#capacity) {
      if (this.#capacity < this.#maxIds) this.#grow();
      else this.#forgetOldest();
    }
    const position = (this.#oldest + this.#size) % this.#capacity;
    this.#ring.set(this.#key, position * ID_WORDS);
    this.#table[this.#find(this.#key, 0)] = position + 1;
    this.#size++;
    return true;
  }

  /** All of them, oldest first. Not to be changed meanwhile. */
  *ids(): Generator<BatchId> {
    const bytes = new Uint8Array(this.#ring.buffer);
    for (let index = 0; index < this.#size; index++) {
      yield idFromBytes(bytes, ((this.#oldest + index) % this.#capacity) * ID_BYTES);
    }
  }

  /** The slot that holds the key at `words[at…]`, or the free one where it belongs. */
  #find(words: Uint32Array, at: number): number {
    const mask = this.#table.length - 1;
    let slot = this.#hash(words, at) & mask;
    for (;;) {
      const entry = this.#table[slot] ?? 0;
      if (entry === 0 || this.#equal(words, { at, position: entry - 1 })) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #equal(words: Uint32Array, options: { at: number; position: number }): boolean {
    const base = options.position * ID_WORDS;
    for (let index = 0; index < ID_WORDS; index++) {
      if (words[options.at + index] !== this.#ring[base + index]) return false;
    }
    return true;
  }

  /** Multiply and shift over the words, after MurmurHash3's finalizer. */
  #hash(words: Uint32Array, at: number): number {
    let hash = this.#seed;
    for (let index = 0; index < ID_WORDS; index++) {
      hash = Math.imul(hash ^ (words[at + index] ?? 0), 0x85ebca6b);
      hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
      hash ^= hash >>> 16;
    }
    return hash >>> 0;
  }

  #forgetOldest(): void {
    const slot = this.#find(this.#ring, this.#oldest * ID_WORDS);
    this.#free(slot);
    this.#oldest = (this.#oldest + 1) % this.#capacity;
    this.#size--;
  }

  /** Frees a slot and moves back what probed past it (Knuth volume 3, section 6.4, algorithm R). */
  #free(slot: number): void {
    const mask = this.#table.length - 1;
    let hole = slot;
    let next = slot;
    for (;;) {
      next = (next + 1) & mask;
      const entry = this.#table[next] ?? 0;
      if (entry === 0) break;
      const home = this.#hash(this.#ring, (entry - 1) * ID_WORDS) & mask;
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        this.#table[hole] = entry;
        hole = next;
      }
    }
    this.#table[hole] = 0;
  }

  #grow(): void {
    const old = this.#ring;
    const oldCapacity = this.#capacity;
    this.#capacity = Math.min(oldCapacity * 2, this.#maxIds);
    this.#ring = new Uint32Array(this.#capacity * ID_WORDS);
    this.#ring.set(old.subarray(this.#oldest * ID_WORDS));
    this.#ring.set(
      old.subarray(0, this.#oldest * ID_WORDS),
      (oldCapacity - this.#oldest) * ID_WORDS,
    );
    this.#oldest = 0;
    this.#table = new Uint32Array(tableSize(this.#capacity));
    for (let position = 0; position < this.#size; position++) {
      this.#table[this.#find(this.#ring, position * ID_WORDS)] = position + 1;
    }
  }
}

/** A power of two that keeps the table at most half full. */
function tableSize(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, capacity) * 2));
}
