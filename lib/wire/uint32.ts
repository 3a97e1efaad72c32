/**
 * 32-bit unsigned integers in byte arrays, in network byte order (big-endian).
 * @module
 */

/** Writes a 32-bit unsigned integer at index `at`, most significant byte first. */
export function setUint32(bytes: Uint8Array, field: { at: number; value: number }): void {
  for (let index = 0; index < 4; index++) {
    bytes[field.at + index] = (field.value >>> (24 - 8 * index)) & 0xff;
  }
}

/** Reads a 32-bit unsigned integer at index `at`, most significant byte first. */
export function getUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}
