/**
 * Reads and validates the fields of a message body, a MessagePack map. Like Go's decoder, it accepts
 * unknown keys, and missing keys and nil as zero values.
 * @module
 */
import { ipFromBytes } from "../address.ts";
import { WireError } from "../errors.ts";
import { META_MAX_BYTES, NAME_MAX_BYTES } from "../limits.ts";
import type { Address } from "../runtime.ts";
import { decode } from "../std/msgpack_decode.ts";
import {
  declaredSize,
  headerBytes,
  scanValue,
  type ScanWindow,
  valueEnd,
} from "../msgpack_scanner.ts";
import { decodeUtf8 } from "../utf8.ts";

const UINT32_MAX = 0xffff_ffff;
const NO_BYTES = new Uint8Array(0);

/**
 * The fields of one message body, decoded one by one when a method reads them: most nodes of a
 * push/pull are known already, so that objects for all fields would be garbage at once. All methods
 * raise `WireError`, which names the message and the field.
 */
export class Fields {
  readonly #message: string;
  readonly #bytes: Uint8Array;
  /** Start and end of each key's text; the value follows the end. */
  readonly #keys: number[] = [];

  /**
   * Finds the keys of the map at the window's start; bytes after the map are ignored. Raises
   * `WireError`. With `length` the map counts as scanned already.
   */
  constructor(options: { message: string; window: ScanWindow; length?: number }) {
    const { window, message } = options;
    const { bytes, start } = window;
    this.#message = message;
    this.#bytes = bytes;
    if (options.length === undefined) scanValue(window);
    const entries = mapEntries(bytes, start);
    if (entries === undefined) {
      throw new WireError("malformed", `body of a ${message} message: expected a map`);
    }
    let at = start + headerBytes(bytes[start]!);
    for (let entry = 0; entry < entries; entry++) {
      const textAt = at + headerBytes(bytes[at]!);
      if (!isString(bytes[at]!)) {
        throw new WireError("malformed", `body of a ${message} message: expected string keys`);
      }
      const textEnd = valueEnd(bytes, at);
      this.#keys.push(textAt, textEnd);
      at = valueEnd(bytes, textEnd);
    }
  }

  /** Reads an integer from 0 to `maximum`; 0 if it is missing. */
  uint(key: string, maximum = UINT32_MAX): number {
    const value = this.#value(key) ?? 0;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > maximum) {
      throw this.#bad(key, `an integer from 0 to ${maximum}`);
    }
    return value;
  }

  /** Reads a boolean; false if it is missing. */
  bool(key: string): boolean {
    const value = this.#value(key) ?? false;
    if (typeof value !== "boolean") throw this.#bad(key, "true or false");
    return value;
  }

  /** Reads a UTF-8 string of at most `maximumBytes`; empty if it is missing. */
  text(key: string, maximumBytes: number): string {
    const bytes = this.bytes(key, maximumBytes);
    const text = decodeUtf8(bytes);
    if (text === undefined) throw this.#bad(key, "UTF-8");
    return text;
  }

  /** Reads a node name of at most `NAME_MAX_BYTES`; empty if it is missing. */
  optionalName(key: string): string {
    return this.text(key, NAME_MAX_BYTES);
  }

  /** Reads a node name of 1 to `NAME_MAX_BYTES` bytes. */
  name(key: string): string {
    const name = this.optionalName(key);
    if (name === "") throw this.#bad(key, "a node name that is not empty");
    return name;
  }

  /**
   * Reads at most `maximumBytes` bytes from a MessagePack str, bin, or array of integers from 0 to
   * 255; empty if it is missing. The result may be a view into the input.
   */
  bytes(key: string, maximumBytes: number): Uint8Array {
    const value = this.#value(key) ?? NO_BYTES;
    const bytes = Array.isArray(value) ? this.#fromNumbers(key, value) : value;
    if (!(bytes instanceof Uint8Array)) throw this.#bad(key, "bytes");
    if (bytes.length > maximumBytes) {
      throw this.#bad(key, `at most ${maximumBytes} bytes, found ${bytes.length}`);
    }
    return bytes;
  }

  /** Reads a node's metadata of at most `META_MAX_BYTES`, as a view into the input: copy it to keep it. */
  meta(key: string): Uint8Array {
    return this.bytes(key, META_MAX_BYTES);
  }

  /** Reads an address from a field with 4 or 16 bytes and a field with a port. */
  address(hostKey: string, portKey: string): Address {
    const port = this.uint(portKey, 65_535);
    if (port === 0) throw this.#badAddress(portKey, "a port from 1 to 65535");
    const bytes = this.bytes(hostKey, 16);
    if (bytes.length !== 4 && bytes.length !== 16) {
      throw this.#badAddress(hostKey, "an IP address of 4 or 16 bytes");
    }
    return { host: ipFromBytes(bytes), port };
  }

  /** Reads an address like `address`; `undefined` if either field is missing or empty. */
  optionalAddress(hostKey: string, portKey: string): Address | undefined {
    if (this.bytes(hostKey, 16).length === 0 || this.uint(portKey, 65_535) === 0) return undefined;
    return this.address(hostKey, portKey);
  }

  /** The value of a key, the last one if the key is repeated, like Go's decoder; strings as bytes. */
  #value(key: string): unknown {
    const bytes = this.#bytes;
    for (let index = this.#keys.length - 2; index >= 0; index -= 2) {
      const end = this.#keys[index + 1]!;
      if (!isText(key, { bytes, start: this.#keys[index]!, end })) continue;
      const type = bytes[end]!;
      if (type < 0x80) return type;
      if (type >= 0xcc && type <= 0xce) {
        return unsigned({ bytes, start: end + 1, end: valueEnd(bytes, end) });
      }
      if (isString(type) || isBinary(type)) {
        return bytes.subarray(end + headerBytes(type), valueEnd(bytes, end));
      }
      return decodeValue(bytes.subarray(end, valueEnd(bytes, end)), this.#message);
    }
    return undefined;
  }

  #fromNumbers(key: string, values: readonly unknown[]): Uint8Array {
    const isByte = (value: unknown): value is number =>
      typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 255;
    if (!values.every(isByte)) throw this.#bad(key, "bytes");
    return new Uint8Array(values);
  }

  #bad(key: string, expected: string): WireError {
    return new WireError("malformed", `${key} of a ${this.#message} message: expected ${expected}`);
  }

  #badAddress(key: string, expected: string): WireError {
    return new WireError(
      "bad_address",
      `${key} of a ${this.#message} message: expected ${expected}`,
    );
  }
}

/** Number of entries of the map at index `at`; `undefined` if there is no map. */
function mapEntries(bytes: Uint8Array, at: number): number | undefined {
  const type = bytes[at]!;
  if (type >= 0x80 && type < 0x90) return type & 0x0f;
  return type === 0xde || type === 0xdf ? declaredSize(bytes, at) : undefined;
}

/** An unsigned integer of up to 32 bits, most significant byte first. */
function unsigned({ bytes, start, end }: ScanWindow): number {
  let value = 0;
  for (let index = start; index < end; index++) value = value * 256 + bytes[index]!;
  return value;
}

function isString(type: number): boolean {
  return (type >= 0xa0 && type < 0xc0) || (type >= 0xd9 && type <= 0xdb);
}

function isBinary(type: number): boolean {
  return type >= 0xc4 && type <= 0xc6;
}

/** Whether the bytes in the window are this ASCII text. */
function isText(text: string, { bytes, start, end }: ScanWindow): boolean {
  if (end - start !== text.length) return false;
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

function decodeValue(bytes: Uint8Array, message: string): unknown {
  try {
    return decode(bytes, { rawStrings: true });
  } catch (error) {
    throw new WireError(
      "malformed",
      `body of a ${message} message: invalid MessagePack: ${
        error instanceof Error ? error.message : String(error)
      }`,
    );
  }
}
