/**
 * Writes MessagePack as memberlist does: byte strings as raw strings, no 8-bit string lengths,
 * Go's `int` as signed integers. No encoder on npm speaks this dialect, and only with it are our
 * packets the very bytes that a Go node would send (go-msgpack v2, `codec/msgpack.go`).
 * @module
 */

import { ipToBytes, ipv4ToNumber } from "../address.ts";

const ENCODER = new TextEncoder();

/** A growing buffer with one method for each kind of value. */
export class MessageWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** `capacityBytes` is a guess; a good one saves copies. Starts with `type` where it is given. */
  constructor(options: { capacityBytes: number; type?: number }) {
    this.#bytes = new Uint8Array(options.capacityBytes);
    if (options.type !== undefined) this.byte(options.type);
  }

  /** What was written; the writer is of no more use. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** One byte as it is. */
  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Bytes as they are. */
  verbatim(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A map entry's key; its value comes next. */
  key(name: string): this {
    this.text(name);
    return this;
  }

  /** The start of a map of at most 15 entries. */
  map(entries: number): void {
    this.byte(0x80 | entries);
  }

  /** An unsigned integer of at most 32 bits (Go's `uint8`, `uint16`, `uint32`). */
  uint(value: number): void {
    if (value < 0x80) this.byte(value);
    else if (value < 0x100) this.#sized(0xcc, { value, width: 1 });
    else if (value < 0x10000) this.#sized(0xcd, { value, width: 2 });
    else this.#sized(0xce, { value, width: 4 });
  }

  /** A signed integer that is not negative, at most 31 bits (Go's `int`). */
  int(value: number): void {
    if (value < 0x80) this.byte(value);
    else if (value < 0x8000) this.#sized(0xd1, { value, width: 2 });
    else this.#sized(0xd2, { value, width: 4 });
  }

  /** Yes or no. */
  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  /** Bytes; none at all are Go's nil slice. */
  raw(bytes: Uint8Array): void {
    if (bytes.length === 0) return this.byte(0xc0);
    this.#rawHeader(bytes.length);
    this.verbatim(bytes);
  }

  /** An IP address as its 4 or 16 bytes. Raises `AddressError` on what is none. */
  ip(host: string): void {
    const number = ipv4ToNumber(host);
    if (number === undefined) this.raw(ipToBytes(host));
    else this.#sized(0xa4, { value: number, width: 4 });
  }

  /** Numbers of 8 bits as bytes. */
  bytes(numbers: readonly number[]): void {
    this.#rawHeader(numbers.length);
    for (const number of numbers) this.byte(number);
  }

  /** A string in UTF-8. */
  text(text: string): void {
    const start = this.#length;
    this.#rawHeader(text.length);
    this.#reserve(text.length);
    const bytes = this.#bytes;
    const at = this.#length;
    // Nearly all names and all keys are ASCII, where a loop beats a call of the encoder.
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
