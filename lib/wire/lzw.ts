/**
 * LZW compression as Go's `compress/lzw` writes it in LSB order with 8-bit literals: the GIF variant
 * (GIF89a, appendix F), with codes of 9 to 12 bits, a clear code and an end code. The LZW packages
 * on npm implement other variants (TIFF, Unix compress, strings).
 * @module
 */
import { WireError } from "../errors.ts";

const LITERAL_BITS = 8;
const CLEAR = 1 << LITERAL_BITS;
const END = CLEAR + 1;
const MAX_WIDTH = 12;
const MAX_CODE = (1 << MAX_WIDTH) - 1;
/** Maximum initial size of the compressor's output buffer, which doubles when it is full. */
const FIRST_BUFFER_BYTES = 4096;

/** Compresses with LZW; the output may be larger than the input. */
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
 * Decompresses LZW up to the end code; bytes after it are ignored, as in Go. Raises `WireError`, with
 * reason `too_large` if the output is longer than `limitBytes`, else `bad_compression`. The length
 * of the output is computed and checked before memory is allocated for it.
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

/** Consumes the codes of compressed bytes. */
interface CodeReader {
  clear(): void;
  /** Consumes a code; returns the next free code of the table. */
  expand(code: number): number;
}

function readCodes(input: Uint8Array, reader: CodeReader): void {
  let [width, bits, bitCount] = [LITERAL_BITS + 1, 0, 0];
  for (let at = 0;;) {
    while (bitCount < width) {
      if (at === input.length) throw bad("no end code");
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
  return new WireError("bad_compression", `invalid LZW data: ${why}`);
}

/** Validates codes, and computes the length of what each stands for and of the whole output. */
class LzwLengths implements CodeReader {
  readonly #limit: number;
  readonly #lengths = new Uint16Array(MAX_CODE + 1);
  /** The code that the next expansion defines, if there was an expansion before it. */
  #next = END;
  #last = 0;
  /** Length of the output so far. */
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
    // A new code stands for the last expansion and the first byte of the next one.
    if (defines) this.#lengths[this.#next] = this.#last + 1;
    // After a clear code `#next` is the end code, which never gets here: no code is defined yet.
    if (code > this.#next) throw bad(`undefined code ${code}`);
    this.#last = code < CLEAR ? 1 : this.#lengths[code]!;
    this.total += this.#last;
    if (this.total > this.#limit) {
      throw new WireError(
        "too_large",
        `decompressed message is too long; maximum ${this.#limit} bytes`,
      );
    }
    if (this.#next <= MAX_CODE) this.#next++;
    return this.#next;
  }
}

/** Writes the output; every code stands for a range of it. Its codes must be valid. */
class LzwOutput implements CodeReader {
  /** The whole output. */
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
      // If this expansion defines the code itself, the range overlaps with what is written.
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

/** Packs codes into bytes; their width grows with the decoder's table. */
class CodeWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  #bits = 0;
  #bitCount = 0;
  #width = LITERAL_BITS + 1;
  /** The last code that was assigned to a sequence. */
  newest = END;

  constructor(inputBytes: number) {
    // At worst 12 bits for each byte of input, and the clear and end codes.
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

  /** Assigns the next code. Returns false, and writes a clear code, if none is left. */
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

/** Codes by prefix code and last byte: a hash table with open addressing, at most a quarter full. */
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

  /** The code of a sequence, or 0 if it has none; `add` then adds that sequence. */
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
