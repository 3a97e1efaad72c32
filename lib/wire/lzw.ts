/**
 * LZW as Go's `compress/lzw` writes it with least significant bits first and 8-bit literals: the
 * GIF variant (GIF89a, appendix F), with codes of 9 to 12 bits, a clear code and an end code. The
 * LZW packages on npm speak other dialects (TIFF, Unix compress, strings).
 * @module
 */
import { WireError } from "../errors.ts";

const LITERAL_BITS = 8;
const CLEAR = 1 << LITERAL_BITS;
const END = CLEAR + 1;
const MAX_WIDTH = 12;
const MAX_CODE = (1 << MAX_WIDTH) - 1;
/** Where the output buffer of the compressor starts at most; it doubles from there. */
const FIRST_BUFFER_BYTES = 4096;

/** Compresses; the output may be larger than the input. */
export function compressLzw(input: Uint8Array): Uint8Array<ArrayBuffer> {
  const codes = new CodeWriter(input.length);
  codes.write(CLEAR);
  if (input.length > 0) {
    const table = new PrefixTable(input.length);
    let code = input[0]!;
    for (let index = 1; index < input.length; index++) {
      const literal = input[index]!;
      const known = table.find(code, literal);
      if (known !== 0) {
        code = known;
        continue;
      }
      codes.write(code);
      code = literal;
      if (codes.advance()) table.add(codes.newest);
      else table.clear();
    }
    codes.write(code);
    codes.advance();
  }
  codes.write(END);
  return codes.finish();
}

/**
 * Decompresses up to the end code; what follows it is ignored, as Go does. Raises `WireError`:
 * `too_large` as soon as there are more than `limitBytes`, `bad_compression` on anything else.
 */
export function decompressLzw(
  input: Uint8Array,
  options: { limitBytes: number },
): Uint8Array<ArrayBuffer> {
  const output = new LzwOutput(options.limitBytes, Math.min(4 * input.length, options.limitBytes));
  let [width, bits, bitCount] = [LITERAL_BITS + 1, 0, 0];
  for (let at = 0;;) {
    while (bitCount < width) {
      if (at === input.length) throw bad("it ends without an end code");
      bits |= input[at++]! << bitCount;
      bitCount += 8;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    bitCount -= width;
    if (code === END) return output.finish();
    if (code === CLEAR) {
      output.clear();
      width = LITERAL_BITS + 1;
    } else if (output.expand(code) === 1 << width && width < MAX_WIDTH) {
      width++;
    }
  }
}

function bad(why: string): WireError {
  return new WireError("bad_compression", `a compressed message cannot be decompressed: ${why}`);
}

/** What was decompressed so far. Every code stands for a stretch of it. */
class LzwOutput {
  readonly #limit: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  readonly #starts = new Uint32Array(MAX_CODE + 1);
  readonly #lengths = new Uint16Array(MAX_CODE + 1);
  /** The code that the next expansion defines, if there was an expansion before it. */
  #next = END;
  #lastStart = -1;

  constructor(limitBytes: number, guessBytes: number) {
    this.#limit = limitBytes;
    this.#bytes = new Uint8Array(Math.max(guessBytes, 16));
  }

  clear(): void {
    this.#next = END;
    this.#lastStart = -1;
  }

  /** Appends what `code` stands for; returns the code that comes next in the table. */
  expand(code: number): number {
    const at = this.#length;
    if (this.#lastStart >= 0) this.#define(at);
    const literal = code < CLEAR;
    if (!literal && (code <= END || code > this.#known())) throw bad(`code ${code} is not known`);
    const count = literal ? 1 : this.#lengths[code]!;
    this.#reserve(at + count);
    if (literal) this.#bytes[at] = code;
    else {
      // Where the code is being defined right now, the stretch overlaps with what is written.
      const from = this.#starts[code]!;
      for (let index = 0; index < count; index++) {
        this.#bytes[at + index] = this.#bytes[from + index]!;
      }
    }
    this.#length = at + count;
    this.#lastStart = at;
    if (this.#next <= MAX_CODE) this.#next++;
    return this.#next;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  // The code is the last expansion and the first byte of the coming one, which follows it directly.
  #define(at: number): void {
    if (this.#next > MAX_CODE) return;
    this.#starts[this.#next] = this.#lastStart;
    this.#lengths[this.#next] = at - this.#lastStart + 1;
  }

  #known(): number {
    return this.#lastStart >= 0 ? Math.min(this.#next, MAX_CODE) : this.#next - 1;
  }

  #reserve(wanted: number): void {
    if (wanted > this.#limit) {
      throw new WireError(
        "too_large",
        `a compressed message holds over ${this.#limit} bytes; that is the most allowed here`,
      );
    }
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(Math.max(2 * this.#bytes.length, wanted), this.#limit));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Packs codes into bytes, their width growing as the decoder's table grows. */
class CodeWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  #bits = 0;
  #bitCount = 0;
  #width = LITERAL_BITS + 1;
  /** The code that was last given to a new sequence. */
  newest = END;

  constructor(inputBytes: number) {
    // 12 bits for each byte of input is the worst there is, and some for clear and end codes.
    this.#bytes = new Uint8Array(Math.min(inputBytes + (inputBytes >> 1) + 16, FIRST_BUFFER_BYTES));
  }

  write(code: number): void {
    this.#bits |= code << this.#bitCount;
    this.#bitCount += this.#width;
    while (this.#bitCount >= 8) {
      this.#push(this.#bits & 0xff);
      this.#bits >>>= 8;
      this.#bitCount -= 8;
    }
  }

  /** Gives out the next code; no, and a clear code is written, where none is left. */
  advance(): boolean {
    this.newest++;
    if (this.newest === 1 << this.#width) this.#width++;
    if (this.newest < MAX_CODE) return true;
    this.write(CLEAR);
    this.#width = LITERAL_BITS + 1;
    this.newest = END;
    return false;
  }

  finish(): Uint8Array<ArrayBuffer> {
    if (this.#bitCount > 0) this.#push(this.#bits & 0xff);
    return this.#bytes.subarray(0, this.#length);
  }

  #push(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#bytes.length);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.#length++] = byte;
  }
}

/** Sequences by their prefix's code and last byte: open addressing, at most a quarter full. */
class PrefixTable {
  readonly #entries: Uint32Array;
  readonly #mask: number;
  #slot = 0;
  #key = 0;

  constructor(inputBytes: number) {
    const size = 1 << (32 - Math.clz32(4 * Math.min(inputBytes, MAX_CODE + 1)));
    this.#entries = new Uint32Array(size);
    this.#mask = size - 1;
  }

  /** The code of a sequence, or 0; `add` then adds that sequence. */
  find(prefix: number, literal: number): number {
    const key = (prefix << 8) | literal;
    let slot = ((key >>> 12) ^ key) & this.#mask;
    for (let entry = this.#entries[slot]!; entry !== 0; entry = this.#entries[slot]!) {
      if (entry >>> 12 === key) return entry & MAX_CODE;
      slot = (slot + 1) & this.#mask;
    }
    this.#slot = slot;
    this.#key = key;
    return 0;
  }

  add(code: number): void {
    this.#entries[this.#slot] = (this.#key << 12) | code;
  }

  clear(): void {
    this.#entries.fill(0);
  }
}
