/**
 * Several messages in one packet, and packed messages taken apart (`util.go` and `handleCompound`
 * in memberlist's `net.go`).
 * @module
 */
import { WireError } from "../errors.ts";
import { COMPOUND_MAX_PARTS, PACKET_MAX_DEPTH, PACKET_MAX_MESSAGES } from "../limits.ts";
import { decodeCompressed, decodePacketMessage } from "./codec.ts";
import { decompressLzw } from "./lzw.ts";
import { MESSAGE_TYPE, type PacketMessage } from "./messages.ts";

/** Type byte and number of parts in front of a compound. */
export const COMPOUND_HEADER_BYTES = 2;
/** The length of each part, in front of all of them. */
export const PART_OVERHEAD_BYTES = 2;

/** What is still allowed while one packet is taken apart. */
export interface Unpacking {
  /** Where the messages go, in order. */
  readonly messages: PacketMessage[];
  /** How many bytes decompression may still make of this packet. */
  readonly budget: { bytes: number };
  /** How deep we are. */
  readonly depth: number;
}

/** Takes one message apart that may be a compound or compressed. Raises `WireError`. */
export function takeApart(bytes: Uint8Array, unpacking: Unpacking): void {
  const type = bytes[0];
  if (type !== MESSAGE_TYPE.compound && type !== MESSAGE_TYPE.compress) {
    if (unpacking.messages.length >= PACKET_MAX_MESSAGES) {
      throw new WireError("too_many", `a packet holds over ${PACKET_MAX_MESSAGES} messages`);
    }
    unpacking.messages.push(decodePacketMessage(bytes));
    return;
  }
  if (unpacking.depth >= PACKET_MAX_DEPTH) {
    throw new WireError("too_deep", `a packet is nested over ${PACKET_MAX_DEPTH} levels deep`);
  }
  const inner = { ...unpacking, depth: unpacking.depth + 1 };
  if (type === MESSAGE_TYPE.compound) takeCompoundApart(bytes, inner);
  else {
    const compressed = decodeCompressed({ window: { bytes, start: 1, end: bytes.length } });
    const plain = decompressLzw(compressed, { limitBytes: inner.budget.bytes });
    inner.budget.bytes -= plain.length;
    takeApart(plain, inner);
  }
}

/** Type, number of parts, their lengths in 16 bits each, then the parts (`makeCompoundMessage`). */
function takeCompoundApart(bytes: Uint8Array, unpacking: Unpacking): void {
  const count = bytes[1];
  if (count === undefined) throw new WireError("truncated", "a compound ends before its count");
  let at = COMPOUND_HEADER_BYTES + 2 * count;
  for (let index = 0; index < count; index++) {
    const lengthAt = COMPOUND_HEADER_BYTES + 2 * index;
    const end = at + (bytes[lengthAt]! << 8 | bytes[lengthAt + 1]!);
    // Also where the lengths themselves are cut off: the first part starts behind all of them.
    if (end > bytes.length) {
      throw new WireError("truncated", `part ${index + 1} of ${count} of a compound is cut off`);
    }
    takeApart(bytes.subarray(at, end), unpacking);
    at = end;
  }
}

/** Raises `RangeError` where no packet can hold these parts. */
export function checkParts(parts: readonly Uint8Array[]): void {
  if (parts.length < 1 || parts.length > COMPOUND_MAX_PARTS) {
    throw new RangeError(`a packet of ${parts.length} parts: expected 1 to ${COMPOUND_MAX_PARTS}`);
  }
  if (parts.length > 1 && parts.some((part) => part.length > 0xffff)) {
    throw new RangeError("a part of a packet is over 65535 bytes long: send it on a stream");
  }
}

/** The parts as one message, behind `head` free bytes: bare where it is one, else a compound. */
export function joinParts(parts: readonly Uint8Array[], head: number): Uint8Array<ArrayBuffer> {
  const bare = parts.length === 1;
  let at = head + (bare ? 0 : COMPOUND_HEADER_BYTES + 2 * parts.length);
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, at));
  if (!bare) {
    joined[head] = MESSAGE_TYPE.compound;
    joined[head + 1] = parts.length;
  }
  let lengthAt = head + COMPOUND_HEADER_BYTES;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
    if (bare) break;
    joined[lengthAt++] = part.length >>> 8;
    joined[lengthAt++] = part.length & 0xff;
  }
  return joined;
}
