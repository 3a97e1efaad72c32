/**
 * UTF-8 and back. Nearly all names are short and ASCII, and for such a loop takes a fraction of what
 * a call of the platform's encoder and decoder does.
 * @module
 */

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Up to here the loops are faster. */
const SHORT_BYTES = 32;

/** The text's bytes. */
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

/** How many bytes the text takes: what a bound on bytes is compared with. */
export function utf8Length(text: string): number {
  return encodeUtf8(text).length;
}

/** The bytes' text; `undefined` where they are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  if (bytes.length <= SHORT_BYTES && isAscii(bytes)) {
    // To spread the bytes over the call would take four times as long.
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
