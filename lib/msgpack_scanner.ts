/**
 * Finds the end of a MessagePack value without decoding it. Every value from a socket is scanned
 * before it is decoded: its nesting depth, its declared lengths and the number of its values are
 * checked before memory is allocated.
 * @module
 */
import { WireError } from "./errors.ts";
import { MESSAGE_MAX_DEPTH, MESSAGE_MAX_VALUES } from "./limits.ts";

/** The part of a buffer that holds a value, or its first bytes. */
export interface ScanWindow {
  readonly bytes: Uint8Array;
  /** Index of the value's first byte. */
  readonly start: number;
  /** Index after the last byte that was received. */
  readonly end: number;
}

/** Scans one value incrementally, as its bytes are received; no byte is scanned twice. */
export class ValueScanner {
  readonly #limitBytes: number;
  readonly #maxValues: number;
  /** Number of values that are missing at each open level. */
  readonly #pending: number[] = [1];
  /**
   * Scanned bytes, from the value's first byte. May exceed the received bytes, by a declared
   * length.
   */
  #offset = 0;
  #values = 0;

  /**
   * `limitBytes` is the maximum length of the value, `maxValues` the maximum number of values in it
   * (default `MESSAGE_MAX_VALUES`).
   */
  constructor(options: { limitBytes: number; maxValues?: number }) {
    this.#limitBytes = options.limitBytes;
    this.#maxValues = options.maxValues ?? MESSAGE_MAX_VALUES;
  }

  /**
   * Returns the length of the value, or `undefined` if it is not complete yet. The buffer may
   * change between calls, as long as `start` is the same byte of the value. Raises `WireError`
   * (`too_large`, `too_many`, `too_deep`, `malformed`) as soon as a limit is exceeded.
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

  /** Minimum number of received bytes for which a further scan makes progress. */
  get leastBytes(): number {
    return this.#offset + (this.#pending.length > 0 ? 1 : 0);
  }

  #step(type: number, size: number): void {
    const children = childCount(type, size);
    this.#offset += headerBytes(type) + payloadBytes(type, size);
    // Each child takes at least one byte, so that a count is limited as a length is.
    if (this.#offset + children > this.#limitBytes) {
      throw new WireError(
        "too_large",
        `a value is longer than the maximum of ${this.#limitBytes} bytes`,
      );
    }
    if (++this.#values > this.#maxValues) {
      throw new WireError(
        "too_many",
        `a message has more than the maximum of ${this.#maxValues} values`,
      );
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
 * Returns the length of the value that starts at `start` and must be complete. `maxValues` as in
 * `ValueScanner`. Raises `WireError`, also (`truncated`) if the value is not complete.
 */
export function scanValue(window: ScanWindow, options: { maxValues?: number } = {}): number {
  // All bytes were received, so a declared length needs no limit: a too long value is truncated.
  const length = new ValueScanner({ limitBytes: Infinity, ...options }).scan(window);
  if (length === undefined) throw new WireError("truncated", "a message ends in mid-value");
  return length;
}

/**
 * Returns the index after the value that starts at `at`. Checks nothing: the value must have been
 * scanned.
 */
export function valueEnd(bytes: Uint8Array, at: number): number {
  for (let pending = 1; pending > 0; pending--) {
    const type = bytes[at]!;
    const size = declaredSize(bytes, at);
    pending += childCount(type, size);
    at += headerBytes(type) + payloadBytes(type, size);
  }
  return at;
}

/** The length or count field of the value that starts at `at`; 0 if it has none. */
export function declaredSize(bytes: Uint8Array, at: number): number {
  return sizeField({ bytes, at: at + 1, width: headerBytes(bytes[at]!) - 1 });
}

/** Bytes of the type and of the length or count field after it, without a fixed-size payload. */
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
// From 0xc4 as well: bytes after the header, without the declared length.
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
