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
import { scanValue, type ScanWindow } from "../msgpack_scanner.ts";

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const UINT32_MAX = 0xffff_ffff;
/** Up to here making ASCII text without the decoder is faster, and most names are that. */
const SHORT_TEXT_BYTES = 32;
const NO_BYTES = new Uint8Array(0);

/** The fields of one message. All methods raise `WireError` that names message and field. */
export class Fields {
  readonly #message: string;
  readonly #values: Readonly<Record<string, unknown>>;

  /** Decodes the map that starts at the window's start; what follows it is not looked at. */
  constructor(options: { message: string; window: ScanWindow; length?: number }) {
    const { bytes, start } = options.window;
    this.#message = options.message;
    const length = options.length ?? scanValue(options.window);
    const value = decodeValue(bytes.subarray(start, start + length), options.message);
    if (!isMap(value)) {
      throw new WireError("malformed", `the body of a ${options.message} message is not a map`);
    }
    this.#values = value;
  }

  /** A whole number from 0 to `maximum`; missing is 0. */
  uint(key: string, maximum = UINT32_MAX): number {
    const value = this.#values[key] ?? 0;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > maximum) {
      throw this.#bad(key, `a whole number from 0 to ${maximum}`);
    }
    return value;
  }

  /** Missing is no. */
  bool(key: string): boolean {
    const value = this.#values[key] ?? false;
    if (typeof value !== "boolean") throw this.#bad(key, "true or false");
    return value;
  }

  /** UTF-8 of at most `maximumBytes`; missing is empty. */
  text(key: string, maximumBytes: number): string {
    const bytes = this.bytes(key, maximumBytes);
    if (bytes.length < SHORT_TEXT_BYTES && isAscii(bytes)) return String.fromCharCode(...bytes);
    try {
      return DECODER.decode(bytes);
    } catch {
      throw this.#bad(key, "UTF-8");
    }
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
    const value = this.#values[key] ?? NO_BYTES;
    const bytes = Array.isArray(value) ? this.#fromNumbers(key, value) : value;
    if (!(bytes instanceof Uint8Array)) throw this.#bad(key, "bytes");
    if (bytes.length > maximumBytes) {
      throw this.#bad(key, `at most ${maximumBytes} bytes, not ${bytes.length}`);
    }
    return bytes;
  }

  /** A node's meta, in a buffer of its own, since it outlives the packet. */
  meta(key: string): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.bytes(key, META_MAX_BYTES));
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

function isAscii(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) if (bytes[index]! >= 0x80) return false;
  return true;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
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
