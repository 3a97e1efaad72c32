/**
 * Compound messages: packs several messages into one packet, and unpacks packets that hold compound
 * or compressed messages (`util.go`, and `handleCompound` in memberlist's `net.go`).
 * @module
 */
import { WireError } from "../errors.ts";
import { COMPOUND_MAX_PARTS, PACKET_MAX_DEPTH, PACKET_MAX_MESSAGES } from "../limits.ts";
import { decodeCompressed, decodePacketMessage } from "./codec.ts";
import { decompressLzw } from "./lzw.ts";
import { MESSAGE_TYPE, type PacketMessage } from "./messages.ts";

/** Bytes of the header of a compound message: type byte and number of parts. */
export const COMPOUND_HEADER_BYTES = 2;
/** Bytes that a compound message adds for each part: its length. */
export const PART_OVERHEAD_BYTES = 2;

/** The state of unpacking one packet. */
export interface Unpacking {
  /** The decoded messages, in order; unpacking appends to them. */
  readonly messages: PacketMessage[];
  /** Bytes that decompression may still produce from this packet. */
  readonly budget: { bytes: number };
  /** Compound and compressed messages around the current one. */
  readonly depth: number;
}

/**
 * Decodes one message, and unpacks it if it is compound or compressed. Raises `WireError`, with
 * reason `too_deep` or `too_many` if it exceeds `PACKET_MAX_DEPTH` or `PACKET_MAX_MESSAGES`.
 */
export function unpackMessage(bytes: Uint8Array, unpacking: Unpacking): void {
  const type = bytes[0];
  if (type !== MESSAGE_TYPE.compound && type !== MESSAGE_TYPE.compress) {
    if (unpacking.messages.length >= PACKET_MAX_MESSAGES) {
      throw new WireError(
        "too_many",
        `too many messages in a packet; maximum ${PACKET_MAX_MESSAGES}`,
      );
    }
    unpacking.messages.push(decodePacketMessage(bytes));
    return;
  }
  if (unpacking.depth >= PACKET_MAX_DEPTH) {
    throw new WireError(
      "too_deep",
      `compound messages in a packet are nested too deeply; maximum ${PACKET_MAX_DEPTH} levels`,
    );
  }
  const inner = { ...unpacking, depth: unpacking.depth + 1 };
  if (type === MESSAGE_TYPE.compound) unpackCompound(bytes, inner);
  else {
    const compressed = decodeCompressed({ window: { bytes, start: 1, end: bytes.length } });
    const plain = decompressLzw(compressed, { limitBytes: inner.budget.bytes });
    inner.budget.bytes -= plain.length;
    unpackMessage(plain, inner);
  }
}

/** A compound message: type byte, number of parts, 16-bit lengths, parts (`makeCompoundMessage`). */
function unpackCompound(bytes: Uint8Array, unpacking: Unpacking): void {
  const count = bytes[1];
  if (count === undefined) {
    throw new WireError("truncated", "truncated compound message: no part count");
  }
  let at = COMPOUND_HEADER_BYTES + 2 * count;
  for (let index = 0; index < count; index++) {
    const lengthAt = COMPOUND_HEADER_BYTES + 2 * index;
    const end = at + (bytes[lengthAt]! << 8 | bytes[lengthAt + 1]!);
    // This also catches truncated lengths: the first part starts after all of them.
    if (end > bytes.length) {
      throw new WireError("truncated", `truncated compound message: part ${index + 1} of ${count}`);
    }
    unpackMessage(bytes.subarray(at, end), unpacking);
    at = end;
  }
}

/** Raises `RangeError` unless a packet can hold the parts: 1 to 255, of up to 65,535 bytes if several. */
export function checkParts(parts: readonly Uint8Array[]): void {
  if (parts.length < 1 || parts.length > COMPOUND_MAX_PARTS) {
    throw new RangeError(`a packet of ${parts.length} parts: expected 1 to ${COMPOUND_MAX_PARTS}`);
  }
  if (parts.length > 1 && parts.some((part) => part.length > 0xffff)) {
    throw new RangeError(
      "a part of a compound message is longer than 65535 bytes: send it on a stream",
    );
  }
}

/** Packs the parts into one message after `head` unused bytes: a single part as it is, several as a compound message. */
export function packParts(parts: readonly Uint8Array[], head: number): Uint8Array<ArrayBuffer> {
  const single = parts.length === 1;
  let at = head + (single ? 0 : COMPOUND_HEADER_BYTES + 2 * parts.length);
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, at));
  if (!single) {
    joined[head] = MESSAGE_TYPE.compound;
    joined[head + 1] = parts.length;
  }
  let lengthAt = head + COMPOUND_HEADER_BYTES;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
    if (single) break;
    joined[lengthAt++] = part.length >>> 8;
    joined[lengthAt++] = part.length & 0xff;
  }
  return joined;
}
