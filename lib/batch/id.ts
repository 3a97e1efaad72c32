/**
 * Batch ids: ULIDs, 48 bits of time and 80 of chance, as 26 characters for people and 16 bytes on
 * the wire and in memory.
 * @module
 */
import type { Random } from "../runtime.ts";
import { WireError } from "../errors.ts";
import { bytes, checked, type Codec, malformed, mapped, text } from "../msgpack_codec.ts";

/** A batch's id: the 26 characters of a ULID, so that ids sort by time of issue. */
export type BatchId = string;

/** Bytes of an id. */
export const ID_BYTES = 16;
/** Characters of an id: the first holds 3 bits, the others 5. */
export const ID_CHARACTERS = 26;
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

/** An id as 16 bytes, as nodes send it. */
export const BATCH_ID: Codec<BatchId> = mapped(bytes({ min: ID_BYTES, max: ID_BYTES }), {
  write: (id) => idToBytes(id),
  read: (found) => idFromBytes(found),
});

/** An id as its 26 characters, as clients send it. */
export const BATCH_ID_TEXT: Codec<BatchId> = checked(text({ max: 255 }), (id, at) => {
  if (!isBatchId(id)) throw malformed(at, `a batch id of ${ID_CHARACTERS} characters`);
  return id;
});

/** Ids end to end in one byte string, at most `max` of them. */
export function batchIds(max: number): Codec<readonly BatchId[]> {
  return mapped(bytes({ max: max * ID_BYTES }), {
    write: (ids) => {
      const packed = new Uint8Array(ids.length * ID_BYTES);
      ids.forEach((id, index) => idToBytes(id, { into: packed, offset: index * ID_BYTES }));
      return packed;
    },
    read: (packed, at) => {
      if (packed.length % ID_BYTES !== 0) throw malformed(at, `ids of ${ID_BYTES} bytes each`);
      return Array.from(
        { length: packed.length / ID_BYTES },
        (_, index) => idFromBytes(packed, index * ID_BYTES),
      );
    },
  });
}
