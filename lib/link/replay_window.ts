/**
 * Which numbers have come, as far back as a message may be overtaken by later ones (the anti-replay
 * window of IPsec, RFC 4303 section 3.4.3).
 * @module
 */

const WORD_BITS = 32;
const WORDS = 256;
/** Words at first, doubled as they are needed: most lives have little to say to one other node. */
const FIRST_WORDS = 8;
/** Numbers that are told apart below the highest. One word less: the highest's own is half taken (RFC 6479). */
export const REPLAY_WINDOW: number = (WORDS - 1) * WORD_BITS;

/** The numbers of one sender's life, from 1. */
export class ReplayWindow {
  #words = new Uint32Array(FIRST_WORDS);
  #highest = 0;

  /** `new` where the number has not come and can be told; nothing changes. */
  judge(number: number): "new" | "repeated" | "too_old" {
    if (number > this.#highest) return "new";
    if (number <= this.#highest - REPLAY_WINDOW) return "too_old";
    return (this.#word(number) & bit(number)) === 0 ? "new" : "repeated";
  }

  /** The number has come. */
  add(number: number): void {
    if (number > this.#highest) this.#advance(number);
    this.#words[this.#slot(number)] = this.#word(number) | bit(number);
  }

  /** Makes room: what the freed words held falls out of the window. */
  #advance(number: number): void {
    this.#grow(Math.floor(number / WORD_BITS) + 1);
    const passed = Math.floor(number / WORD_BITS) - Math.floor(this.#highest / WORD_BITS);
    if (passed >= WORDS) this.#words.fill(0);
    else {
      for (let step = 1; step <= passed; step++) {
        this.#words[this.#slot(this.#highest + step * WORD_BITS)] = 0;
      }
    }
    this.#highest = number;
  }

  /** Until all words are there no number shares one with another, so each stays where it is. */
  #grow(wanted: number): void {
    let length = this.#words.length;
    if (length >= wanted || length >= WORDS) return;
    while (length < wanted && length < WORDS) length *= 2;
    const words = new Uint32Array(length);
    words.set(this.#words);
    this.#words = words;
  }

  #word(number: number): number {
    return this.#words[this.#slot(number)] ?? 0;
  }

  #slot(number: number): number {
    return Math.floor(number / WORD_BITS) % this.#words.length;
  }
}

function bit(number: number): number {
  return 1 << (number % WORD_BITS);
}
