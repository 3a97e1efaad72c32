/**
 * Takes the values of a decoded message one by one and checks each: kind, bound, presence. Values
 * past the last one that is asked for are left alone, so that a later version may append some.
 * @module
 */
import { WireError } from "../errors.ts";
import { decode } from "../std/msgpack_decode.ts";
import { scanValue } from "../msgpack_scanner.ts";

/** The array that `bytes` are, no more and no less. `what` names it in errors. Raises `WireError`. */
export function decodeRow(bytes: Uint8Array, what: string): Row {
  const length = scanValue({ bytes, start: 0, end: bytes.length });
  if (length !== bytes.length) {
    throw new WireError("malformed", `${bytes.length - length} bytes follow the end of a ${what}`);
  }
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (cause) {
    throw new WireError("malformed", `a ${what} is not MessagePack: ${(cause as Error).message}`);
  }
  return new Row(value, what);
}

/** The values of one MessagePack array, in order. Every method raises `WireError`. */
export class Row {
  readonly #values: readonly unknown[];
  readonly #what: string;
  #at = 0;

  /** `what` names the message in errors. */
  constructor(value: unknown, what: string) {
    this.#what = what;
    if (!Array.isArray(value)) throw this.#wrong("an array");
    this.#values = value;
  }

  /** UTF-8 text of at least one and at most so many characters. */
  text(maxLength: number): string {
    const value = this.#next();
    // Half a surrogate pair comes of bytes that are no UTF-8, and would be others when sent on.
    if (typeof value !== "string" || value.length === 0 || !value.isWellFormed()) {
      throw this.#wrong("text");
    }
    if (value.length > maxLength) throw this.#tooLarge(maxLength);
    return value;
  }

  /** As `text`, and it may be empty. */
  emptyOrText(maxLength: number): string {
    const value = this.#values[this.#at];
    if (value !== "") return this.text(maxLength);
    this.#at++;
    return "";
  }

  /** Bytes, as a view of the message. */
  bytes(maxLength: number): Uint8Array {
    const value = this.#next();
    if (!(value instanceof Uint8Array)) throw this.#wrong("bytes");
    if (value.length > maxLength) throw this.#tooLarge(maxLength);
    return value;
  }

  /** A whole number from 0 to `max`. */
  count(max: number): number {
    const value = this.#next();
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
      throw this.#wrong("a whole number");
    }
    if (value > max) throw this.#tooLarge(max);
    return value;
  }

  /** True or false. */
  flag(): boolean {
    const value = this.#next();
    if (typeof value !== "boolean") throw this.#wrong("true or false");
    return value;
  }

  /** A nested array. */
  row(): Row {
    return new Row(this.#next(), this.#what);
  }

  /** A nested array of at most so many values, each taken by `take`. */
  list<T>(maxLength: number, take: (row: Row) => T): T[] {
    const row = this.row();
    const length = row.#values.length;
    if (length > maxLength) throw this.#tooLarge(maxLength);
    const taken: T[] = [];
    while (row.#at < length) taken.push(take(row));
    return taken;
  }

  #next(): unknown {
    return this.#values[this.#at++];
  }

  #wrong(expected: string): WireError {
    return new WireError("malformed", `value ${this.#at} of a ${this.#what} must be ${expected}`);
  }

  #tooLarge(bound: number): WireError {
    return new WireError("too_large", `value ${this.#at} of a ${this.#what} is over ${bound}`);
  }
}
