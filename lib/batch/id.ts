/**
 * Batch ids: ULIDs, 48 bits of time and 80 of chance, as 26 characters for people and 16 bytes on
 * the wire and in memory.
 * @module
 */
import type { Random } from "../runtime.ts";
import { WireError } from "../errors.ts";
import type { BatchId } from "../gossip/messages.ts";

/** Bytes of an id. */
export const ID_BYTES = 16;
/** Characters of an id: the first holds 3 bits, the others 5. */
const ID_CHARACTERS = 26;
/** Crockford's base 32, as ULIDs use it. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** Its characters' codes. */
const CODES: readonly number[] = Array.from(ALPHABET, (character) => character.charCodeAt(0));
/** What each character is worth, by its code; -1 for those that are none. */
const VALUES: readonly number[] = Array.from(
  { length: 128 },
  (_, code) => ALPHABET.indexOf(String.fromCharCode(code)),
);

/** A new id, `wallMs` being its time of issue. */
export function newBatchId(options: { wallMs: number; random: Random }): BatchId {
  const bytes = new Uint8Array(ID_BYTES);
  const view = new DataView(bytes.buffer);
  const wallMs = Math.max(0, Math.floor(options.wallMs));
  view.setUint16(0, Math.floor(wallMs / 2 ** 32) & 0xffff);
  view.setUint32(2, wallMs % 2 ** 32);
  bytes.set(options.random.bytes(ID_BYTES - 6), 6);
  return idFromBytes(bytes);
}

/** When the batch of this id was issued, in Unix milliseconds. Raises `WireError` on what is no id. */
export function issueTimeOf(id: BatchId): number {
  const bytes = idToBytes(id);
  return bytes.subarray(0, 6).reduce((timeMs, byte) => timeMs * 256 + byte, 0);
}

/** Whether a text is an id in its one canonical form. */
export function isBatchId(text: string): boolean {
  if (text.length !== ID_CHARACTERS || valueAt(text, 0) > 7) return false;
  for (let index = 0; index < ID_CHARACTERS; index++) {
    if (valueAt(text, index) < 0) return false;
  }
  return true;
}

/** The id's 16 bytes, or their place in `into` from `offset`. Raises `WireError` on what is no id. */
export function idToBytes(
  id: BatchId,
  options: { into?: Uint8Array; offset?: number } = {},
): Uint8Array {
  if (!isBatchId(id)) {
    throw new WireError("malformed", `"${id.slice(0, 40)}" is not a batch id of 26 characters`);
  }
  const bytes = options.into ?? new Uint8Array(ID_BYTES);
  const end = (options.offset ?? 0) + ID_BYTES;
  let bits = 0;
  let held = 0;
  let at = end;
  for (let index = ID_CHARACTERS - 1; index >= 0; index--) {
    held |= valueAt(id, index) << bits;
    bits += 5;
    if (bits >= 8) {
      bytes[--at] = held & 0xff;
      held >>>= 8;
      bits -= 8;
    }
  }
  return bytes;
}

/** The id in the 16 bytes of `bytes` from `offset`. */
export function idFromBytes(bytes: Uint8Array, offset = 0): BatchId {
  const codes: number[] = [];
  let bits = 2;
  let held = 0;
  for (let at = offset; at < offset + ID_BYTES; at++) {
    held = (held << 8) | (bytes[at] ?? 0);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      codes.push(CODES[(held >>> bits) & 31] ?? 0);
    }
    held &= (1 << bits) - 1;
  }
  // In one go: digests bring ids by the thousand, and a text built of pieces has to be joined later.
  return String.fromCharCode(...codes);
}

function valueAt(text: string, index: number): number {
  return VALUES[text.charCodeAt(index)] ?? -1;
}
