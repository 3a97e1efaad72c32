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
 * `too_large` where there are more than `limitBytes`, `bad_compression` on anything else. What it
 * takes in memory is known, and refused, before any of it is taken.
 */
export function decompressLzw(
  input: Uint8Array,
  options: { limitBytes: number },
): Uint8Array<ArrayBuffer> {
  const lengths = new LzwLengths(options.limitBytes);
  readCodes(input, lengths);
  const output = new LzwOutput(lengths.total);
  readCodes(input, output);
  return output.bytes;
}

/** What is done with the codes of compressed bytes. */
interface CodeReader {
  clear(): void;
  /** Takes a code; returns the code that comes next in the table. */
  expand(code: number): number;
}

function readCodes(input: Uint8Array, reader: CodeReader): void {
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
    if (code === END) return;
    if (code === CLEAR) {
      reader.clear();
      width = LITERAL_BITS + 1;
    } else if (reader.expand(code) === 1 << width && width < MAX_WIDTH) {
      width++;
    }
  }
}

function bad(why: string): WireError {
  return new WireError("bad_compression", `a compressed message cannot be decompressed: ${why}`);
}

/** How many bytes each code stands for, and how many all so far. Refuses what cannot be decompressed. */
class LzwLengths implements CodeReader {
  readonly #limit: number;
  readonly #lengths = new Uint16Array(MAX_CODE + 1);
  /** The code that the next expansion defines, if there was an expansion before it. */
  #next = END;
  #last = 0;
  /** All so far. */
  total = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  clear(): void {
    this.#next = END;
    this.#last = 0;
  }

  expand(code: number): number {
    const defines = this.#last > 0 && this.#next <= MAX_CODE;
    // The code is the last expansion and the first byte of the coming one.
    if (defines) this.#lengths[this.#next] = this.#last + 1;
    const known = defines ? this.#next : this.#next - 1;
    if (code >= CLEAR && (code <= END || code > known)) throw bad(`code ${code} is not known`);
    this.#last = code < CLEAR ? 1 : this.#lengths[code]!;
    this.total += this.#last;
    if (this.total > this.#limit) {
      throw new WireError(
        "too_large",
        `a compressed message holds over ${this.#limit} bytes; that is the most allowed here`,
      );
    }
    if (this.#next <= MAX_CODE) this.#next++;
    return this.#next;
  }
}

/** What was decompressed so far. Every code stands for a stretch of it. All codes are known ones. */
class LzwOutput implements CodeReader {
  /** As many as there will be. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #starts = new Uint32Array(MAX_CODE + 1);
  readonly #lengths = new Uint16Array(MAX_CODE + 1);
  #length = 0;
  #next = END;
  #lastStart = -1;

  constructor(totalBytes: number) {
    this.bytes = new Uint8Array(totalBytes);
  }

  clear(): void {
    this.#next = END;
    this.#lastStart = -1;
  }

  expand(code: number): number {
    const at = this.#length;
    if (this.#lastStart >= 0 && this.#next <= MAX_CODE) {
      this.#starts[this.#next] = this.#lastStart;
      this.#lengths[this.#next] = at - this.#lastStart + 1;
    }
    let count = 1;
    if (code < CLEAR) this.bytes[at] = code;
    else {
      count = this.#lengths[code]!;
      // Where the code is being defined right now, the stretch overlaps with what is written.
      const from = this.#starts[code]!;
      for (let index = 0; index < count; index++) {
        this.bytes[at + index] = this.bytes[from + index]!;
      }
    }
    this.#length = at + count;
    this.#lastStart = at;
    if (this.#next <= MAX_CODE) this.#next++;
    return this.#next;
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
