/**
 * Anti-replay window: which sequence numbers of one sender were received, as a bitmap below the
 * highest (IPsec, RFC 4303 section 3.4.3; the ring of words is RFC 6479's).
 * @module
 */

const WORD_BITS = 32;
const WORDS = 256;
/** Words at first, doubled on demand: most senders send few messages to one receiver. */
const FIRST_WORDS = 8;
/**
 * Sequence numbers up to and including the highest that can be told apart. One word fewer than the
 * ring has, since the highest number's word is not full (RFC 6479 section 2).
 */
export const REPLAY_WINDOW: number = (WORDS - 1) * WORD_BITS;

/** The sequence numbers received from one session of one sender. */
export class ReplayWindow {
  /** A ring: the word of a number is its quotient by `WORD_BITS`, modulo the length. */
  #words = new Uint32Array(FIRST_WORDS);
  #highest = 0;

  /** Whether a sequence number is new, was received or is below the window. Changes nothing. */
  check(sequence: number): "new" | "duplicate" | "too_old" {
    if (sequence > this.#highest) return "new";
    if (sequence <= this.#highest - REPLAY_WINDOW) return "too_old";
    return (this.#word(sequence) & bit(sequence)) === 0 ? "new" : "duplicate";
  }

  /** Records that a sequence number was received; `check` has returned `new` for it. */
  add(sequence: number): void {
    if (sequence > this.#highest) this.#advance(sequence);
    this.#words[this.#slot(sequence)] = this.#word(sequence) | bit(sequence);
  }

  /** Clears the words that the window moves into. */
  #advance(sequence: number): void {
    const target = Math.floor(sequence / WORD_BITS);
    this.#grow(target + 1);
    const moved = target - Math.floor(this.#highest / WORD_BITS);
    for (let step = 0; step < Math.min(moved, WORDS); step++) {
      this.#words[(target - step) % this.#words.length] = 0;
    }
    this.#highest = sequence;
  }

  /** Until the ring has its full length every number has a word of its own, so none moves. */
  #grow(wanted: number): void {
    let { length } = this.#words;
    while (length < wanted && length < WORDS) length *= 2;
    if (length === this.#words.length) return;
    const words = new Uint32Array(length);
    words.set(this.#words);
    this.#words = words;
  }

  #word(sequence: number): number {
    return this.#words[this.#slot(sequence)] ?? 0;
  }

  #slot(sequence: number): number {
    return Math.floor(sequence / WORD_BITS) % this.#words.length;
  }
}

function bit(sequence: number): number {
  return 1 << (sequence % WORD_BITS);
}
