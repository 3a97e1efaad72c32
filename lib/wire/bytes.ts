/**
 * The three things that the wire layer does to bare bytes.
 * @module
 */

/** Both, one after the other, in a buffer of their own. */
export function join(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

/** Writes a 32-bit number in network order. */
export function setUint32(bytes: Uint8Array, field: { at: number; value: number }): void {
  for (let index = 0; index < 4; index++) {
    bytes[field.at + index] = (field.value >>> (24 - 8 * index)) & 0xff;
  }
}

/** Reads a 32-bit number in network order. */
export function getUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}
