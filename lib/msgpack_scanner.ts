/**
 * Finds where a MessagePack value ends without decoding it. Every value from a socket passes here
 * first: its depth, the lengths that it declares and how many values it holds are bounded before
 * anything is allocated.
 * @module
 */
import { WireError } from "./errors.ts";
import { MESSAGE_MAX_DEPTH, MESSAGE_MAX_VALUES } from "./limits.ts";

/** Where a scan looks: the value starts at `start`, and bytes up to `end` have arrived. */
export interface ScanWindow {
  /** The buffer. */
  readonly bytes: Uint8Array;
  /** Index of the value's first byte. */
  readonly start: number;
  /** Index past the last byte that is there. */
  readonly end: number;
}

/** Scans one value, whose bytes may arrive bit by bit: nothing is looked at twice. */
export class ValueScanner {
  readonly #limitBytes: number;
  readonly #maxValues: number;
  /** How many values are still to come at each open level. */
  readonly #pending: number[] = [1];
  /** How far the scan is, from the value's first byte. May lie past what has arrived. */
  #offset = 0;
  #values = 0;

  /**
   * A value of more than `limitBytes`, or with more than `maxValues` in it (default
   * `MESSAGE_MAX_VALUES`), is refused as soon as it is seen to be.
   */
  constructor(options: { limitBytes: number; maxValues?: number }) {
    this.#limitBytes = options.limitBytes;
    this.#maxValues = options.maxValues ?? MESSAGE_MAX_VALUES;
  }

  /**
   * The value's length, or `undefined` while it is not all there. The window may move between calls
   * as long as `start` is the same byte. Raises `WireError` (`too_large`, `too_many`, `too_deep`,
   * `malformed`).
   */
  scan({ bytes, start, end }: ScanWindow): number | undefined {
    const arrived = end - start;
    while (this.#pending.length > 0 && this.#offset < arrived) {
      const type = bytes[start + this.#offset]!;
      const header = headerBytes(type);
      if (this.#offset + header > arrived) return undefined;
      this.#step(type, sizeField({ bytes, at: start + this.#offset + 1, width: header - 1 }));
    }
    return this.#pending.length === 0 && this.#offset <= arrived ? this.#offset : undefined;
  }

  /** How many bytes of the value there must be before a scan gets any further. */
  get leastBytes(): number {
    return this.#offset + (this.#pending.length > 0 ? 1 : 0);
  }

  #step(type: number, size: number): void {
    const children = childCount(type, size);
    this.#offset += headerBytes(type) + payloadBytes(type, size);
    // Each child takes at least one byte, so a count is bounded like a length.
    if (this.#offset + children > this.#limitBytes) {
      throw new WireError(
        "too_large",
        `a value of over ${this.#limitBytes} bytes is declared; that is the most allowed here`,
      );
    }
    if (++this.#values > this.#maxValues) {
      throw new WireError("too_many", `a message holds over ${this.#maxValues} values`);
    }
    const pending = this.#pending;
    pending[pending.length - 1]!--;
    if (children > 0) {
      if (pending.length >= MESSAGE_MAX_DEPTH) {
        throw new WireError("too_deep", `a value is nested over ${MESSAGE_MAX_DEPTH} levels deep`);
      }
      pending.push(children);
    }
    while (pending.length > 0 && pending[pending.length - 1] === 0) pending.pop();
  }
}

/**
 * The length of the one value that starts at `start`; all of its bytes must be there. `maxValues`
 * as for `ValueScanner`. Raises `WireError`.
 */
export function scanValue(window: ScanWindow, options: { maxValues?: number } = {}): number {
  // All bytes are here already, so a length that lies is no danger: the value is truncated.
  const length = new ValueScanner({ limitBytes: Infinity, ...options }).scan(window);
  if (length === undefined) throw new WireError("truncated", "a message ends in mid-value");
  return length;
}

/** Where the value that starts at `at` ends. Checks nothing: only for what a scan has found whole. */
export function valueEnd(bytes: Uint8Array, at: number): number {
  for (let pending = 1; pending > 0; pending--) {
    const type = bytes[at]!;
    const size = declaredSize(bytes, at);
    pending += childCount(type, size);
    at += headerBytes(type) + payloadBytes(type, size);
  }
  return at;
}

/** What the length or count field of the value that starts at `at` says; 0 where it has none. */
export function declaredSize(bytes: Uint8Array, at: number): number {
  return sizeField({ bytes, at: at + 1, width: headerBytes(bytes[at]!) - 1 });
}

/** Type byte and the length or count field after it; fixed-size payloads are not counted. */
export function headerBytes(type: number): number {
  if (type < 0xc4 || type > 0xdf) return 1;
  return 1 + HEADER_FIELD_BYTES[type - 0xc4]!;
}

// From 0xc4: bin 8 to 32, ext 8 to 32, floats and integers, fixext, str 8 to 32, array and map.
const HEADER_FIELD_BYTES: readonly number[] = [
  ...[1, 2, 4, 1, 2, 4],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ...[1, 2, 4, 2, 4, 2, 4],
];
// From 0xc4 as well: what follows the header apart from the declared length.
const FIXED_PAYLOAD_BYTES: readonly number[] = [
  ...[0, 0, 0, 1, 1, 1],
  ...[4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17],
  ...[0, 0, 0, 0, 0, 0, 0],
];

function sizeField(field: { bytes: Uint8Array; at: number; width: number }): number {
  let size = 0;
  for (let index = 0; index < field.width; index++) {
    size = size * 256 + field.bytes[field.at + index]!;
  }
  return size;
}

function payloadBytes(type: number, size: number): number {
  if (type >= 0xa0 && type < 0xc0) return type & 0x1f;
  if (type < 0xc4 || type > 0xdb) return 0;
  return FIXED_PAYLOAD_BYTES[type - 0xc4]! + size;
}

function childCount(type: number, size: number): number {
  if (type === 0xc1) throw new WireError("malformed", "a value has the type 0xc1, which is unused");
  if (type < 0x80) return 0;
  if (type < 0x90) return 2 * (type & 0x0f);
  if (type < 0xa0) return type & 0x0f;
  if (type < 0xdc || type > 0xdf) return 0;
  return type < 0xde ? size : 2 * size;
}
