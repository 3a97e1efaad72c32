/**
 * Encodes, decodes and truncates UTF-8. Short ASCII text, as nearly all names are, is converted in
 * a loop, which is much faster than a call of `TextEncoder` or `TextDecoder`.
 * @module
 */

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Length up to which the loops are faster. */
const SHORT_BYTES = 32;

/** Encodes a text as UTF-8. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > SHORT_BYTES) return ENCODER.encode(text);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x80) return ENCODER.encode(text);
    bytes[index] = code;
  }
  return bytes;
}

/** The length of a text in bytes of UTF-8. */
export function utf8Length(text: string): number {
  return encodeUtf8(text).length;
}

/** Decodes UTF-8; `undefined` if the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  if (bytes.length <= SHORT_BYTES && isAscii(bytes)) {
    // A spread argument (`...bytes`) takes four times as long.
    return Reflect.apply(String.fromCharCode, undefined, bytes);
  }
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}

function isAscii(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) if (bytes[index]! >= 0x80) return false;
  return true;
}

/** A truncated text. */
export interface Truncated {
  readonly text: string;
  /** Number of bytes that were cut off; 0 if none. */
  readonly droppedBytes: number;
}

/** Truncates a text to at most `maximumBytes` of UTF-8, between two characters. */
export function truncateUtf8(text: string, maximumBytes: number): Truncated {
  // Each UTF-16 unit takes at most three bytes of UTF-8.
  if (text.length * 3 <= maximumBytes) return { text, droppedBytes: 0 };
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maximumBytes) return { text, droppedBytes: 0 };
  let end = maximumBytes;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return {
    text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, end)),
    droppedBytes: bytes.length - end,
  };
}
