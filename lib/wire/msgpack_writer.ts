/**
 * Writes MessagePack as memberlist does (go-msgpack v2, `codec/msgpack.go`): byte strings as str
 * without 8-bit lengths, Go's `int` as signed integers. No encoder on npm writes these bytes, and
 * tests compare packets byte by byte with those of a Go node.
 * @module
 */
import { ipToBytes, ipv4ToNumber } from "../address.ts";

const ENCODER = new TextEncoder();

/** A MessagePack encoder with a growing buffer and one method for each type of value. */
export class MessageWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** `capacityBytes` is the initial size of the buffer. Writes `type`, if given, as the first byte. */
  constructor(options: { capacityBytes: number; type?: number }) {
    this.#bytes = new Uint8Array(options.capacityBytes);
    if (options.type !== undefined) this.byte(options.type);
  }

  /** Returns a view of the bytes written. Do not use the writer afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Appends one byte as it is. */
  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Appends bytes as they are. */
  verbatim(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes the key of a map entry; write its value next. */
  key(name: string): this {
    this.text(name);
    return this;
  }

  /** Writes the header of a map with at most 15 entries. */
  map(entries: number): void {
    this.byte(0x80 | entries);
  }

  /** Writes an unsigned integer of at most 32 bits (Go's `uint8`, `uint16`, `uint32`). */
  uint(value: number): void {
    if (value < 0x80) this.byte(value);
    else if (value < 0x100) this.#sized(0xcc, { value, width: 1 });
    else if (value < 0x10000) this.#sized(0xcd, { value, width: 2 });
    else this.#sized(0xce, { value, width: 4 });
  }

  /** Writes an integer from 0 to 2^31 - 1 as a signed integer (Go's `int`). */
  int(value: number): void {
    if (value < 0x80) this.byte(value);
    else if (value < 0x8000) this.#sized(0xd1, { value, width: 2 });
    else this.#sized(0xd2, { value, width: 4 });
  }

  /** Writes a boolean. */
  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  /** Writes bytes as a str; an empty array as nil, like Go's nil slice. */
  raw(bytes: Uint8Array): void {
    if (bytes.length === 0) return this.byte(0xc0);
    this.#rawHeader(bytes.length);
    this.verbatim(bytes);
  }

  /** Writes an IP address as its 4 or 16 bytes. Raises `AddressError` if it is not an IP address. */
  ip(host: string): void {
    const number = ipv4ToNumber(host);
    if (number === undefined) this.raw(ipToBytes(host));
    else this.#sized(0xa4, { value: number, width: 4 });
  }

  /** Writes integers from 0 to 255 as a str of bytes. */
  bytes(numbers: readonly number[]): void {
    this.#rawHeader(numbers.length);
    for (const number of numbers) this.byte(number);
  }

  /** Writes a string in UTF-8. */
  text(text: string): void {
    const start = this.#length;
    this.#rawHeader(text.length);
    this.#reserve(text.length);
    const bytes = this.#bytes;
    const at = this.#length;
    // Nearly all names and all keys are ASCII, for which a loop is faster than the encoder.
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) {
        this.#length = start;
        const encoded = ENCODER.encode(text);
        this.#rawHeader(encoded.length);
        return this.verbatim(encoded);
      }
      bytes[at + index] = code;
    }
    this.#length = at + text.length;
  }

  #rawHeader(length: number): void {
    if (length < 32) this.byte(0xa0 | length);
    else if (length < 0x10000) this.#sized(0xda, { value: length, width: 2 });
    else this.#sized(0xdb, { value: length, width: 4 });
  }

  #sized(type: number, number: { value: number; width: number }): void {
    this.byte(type);
    for (let shift = 8 * (number.width - 1); shift >= 0; shift -= 8) {
      this.byte((number.value >>> shift) & 0xff);
    }
  }

  #reserve(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
