/**
 * Validated access to the map that a message's body is. What Go's decoder tolerates is tolerated:
 * unknown keys, missing keys and nil in place of a zero value.
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
 * The fields of one message, found in its bytes and read when they are asked for: most of what a
 * push/pull holds is known already, and objects made of it would be thrown away at once. All methods
 * raise `WireError` that names message and field.
 */
export class Fields {
  readonly #message: string;
  readonly #bytes: Uint8Array;
  /** Where each key's text starts and ends; its value follows. */
  readonly #keys: number[] = [];

  /** Finds the keys of the map that starts at the window's start; what follows it is not looked at. */
  constructor(options: { message: string; window: ScanWindow; length?: number }) {
    const { window, message } = options;
    const { bytes, start } = window;
    this.#message = message;
    this.#bytes = bytes;
    if (options.length === undefined) scanValue(window);
    const entries = mapEntries(bytes, start);
    if (entries === undefined) {
      throw new WireError("malformed", `the body of a ${message} message is not a map`);
    }
    let at = start + headerBytes(bytes[start]!);
    for (let entry = 0; entry < entries; entry++) {
      const textAt = at + headerBytes(bytes[at]!);
      if (!isString(bytes[at]!)) {
        throw new WireError("malformed", `a ${message} message has a key that is no string`);
      }
      const textEnd = valueEnd(bytes, at);
      this.#keys.push(textAt, textEnd);
      at = valueEnd(bytes, textEnd);
    }
  }

  /** A whole number from 0 to `maximum`; missing is 0. */
  uint(key: string, maximum = UINT32_MAX): number {
    const value = this.#value(key) ?? 0;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > maximum) {
      throw this.#bad(key, `a whole number from 0 to ${maximum}`);
    }
    return value;
  }

  /** Missing is no. */
  bool(key: string): boolean {
    const value = this.#value(key) ?? false;
    if (typeof value !== "boolean") throw this.#bad(key, "true or false");
    return value;
  }

  /** UTF-8 of at most `maximumBytes`; missing is empty. */
  text(key: string, maximumBytes: number): string {
    const bytes = this.bytes(key, maximumBytes);
    const text = decodeUtf8(bytes);
    if (text === undefined) throw this.#bad(key, "UTF-8");
    return text;
  }

  /** A node's name, which may be empty or missing. */
  optionalName(key: string): string {
    return this.text(key, NAME_MAX_BYTES);
  }

  /** A node's name, not empty. */
  name(key: string): string {
    const name = this.optionalName(key);
    if (name === "") throw this.#bad(key, "a node's name");
    return name;
  }

  /**
   * At most `maximumBytes` bytes, from msgpack str, bin or an array of small numbers; missing is
   * none. May be a view into the input.
   */
  bytes(key: string, maximumBytes: number): Uint8Array {
    const value = this.#value(key) ?? NO_BYTES;
    const bytes = Array.isArray(value) ? this.#fromNumbers(key, value) : value;
    if (!(bytes instanceof Uint8Array)) throw this.#bad(key, "bytes");
    if (bytes.length > maximumBytes) {
      throw this.#bad(key, `at most ${maximumBytes} bytes, not ${bytes.length}`);
    }
    return bytes;
  }

  /** A node's meta, as a view into the input: whoever keeps it copies it, and few are kept. */
  meta(key: string): Uint8Array {
    return this.bytes(key, META_MAX_BYTES);
  }

  /** An address from two fields. */
  address(hostKey: string, portKey: string): Address {
    const port = this.uint(portKey, 65_535);
    if (port === 0) throw this.#badAddress(portKey, "a port from 1 to 65535");
    const bytes = this.bytes(hostKey, 16);
    if (bytes.length !== 4 && bytes.length !== 16) {
      throw this.#badAddress(hostKey, "an IP address of 4 or 16 bytes");
    }
    return { host: ipFromBytes(bytes), port };
  }

  /** The same, `undefined` where either is missing or empty. */
  optionalAddress(hostKey: string, portKey: string): Address | undefined {
    if (this.bytes(hostKey, 16).length === 0 || this.uint(portKey, 65_535) === 0) return undefined;
    return this.address(hostKey, portKey);
  }

  /** A key's value, the last one's where it is there twice; strings as bytes. */
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

/** How many entries the map that starts at `at` has; `undefined` where it is none. */
function mapEntries(bytes: Uint8Array, at: number): number | undefined {
  const type = bytes[at]!;
  if (type >= 0x80 && type < 0x90) return type & 0x0f;
  return type === 0xde || type === 0xdf ? declaredSize(bytes, at) : undefined;
}

/** A number of up to 32 bits, highest byte first. */
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

/** Whether an ASCII text stands in the window. */
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
      `the body of a ${message} message is not MessagePack: ${
        error instanceof Error ? error.message : String(error)
      }`,
    );
  }
}
