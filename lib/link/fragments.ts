/**
 * A gossip message in parts that fit a packet each, and the word of which of them have come.
 * @module
 */
import { WireError } from "../errors.ts";
import { FRAGMENT_MIN_BYTES, GOSSIP_MESSAGE_MAX_BYTES } from "../limits.ts";

/** Total length, bytes a part, index, and whether word is wanted at once. */
const FRAGMENT_HEAD_BYTES = 4 + 2 + 2 + 1;
/** Says in place of an index that the message was taken whole. */
const COMPLETE = 0xffff;
/** Bytes of the map of an acknowledgement, at most: parts past those are told of later. */
const MAP_MAX_BYTES = 256;

/** One part. All but the last are of the same size. */
export interface Fragment {
  /** Bytes of the message in all. */
  readonly totalBytes: number;
  /** Bytes of each part but the last. */
  readonly partBytes: number;
  /** Which part, from 0. */
  readonly index: number;
  /** Whether the sender waits for word before it goes on. */
  readonly urgent: boolean;
  /** The part. */
  readonly bytes: Uint8Array;
}

/** Which parts have come: all below `base`, and those that `has` holds true of. */
export type Acknowledgement =
  | {
    /** The message was taken. */
    readonly complete: true;
  }
  | {
    /** Some are missing. */
    readonly complete: false;
    /** The first that is missing. */
    readonly base: number;
    /** Those after it, a bit each. */
    readonly map: Uint8Array;
  };

/** Bytes of a part where a packet has room for so many after the head of the link. */
export function partBytesFor(roomBytes: number): number {
  return roomBytes - FRAGMENT_HEAD_BYTES;
}

/** How many parts a message has. */
export function partCount(totalBytes: number, partBytes: number): number {
  return Math.ceil(totalBytes / partBytes);
}

/** One part, as it follows the head of the link. */
export function encodeFragment(fragment: Fragment): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAGMENT_HEAD_BYTES + fragment.bytes.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, fragment.totalBytes);
  view.setUint16(4, fragment.partBytes);
  view.setUint16(6, fragment.index);
  bytes[8] = fragment.urgent ? 1 : 0;
  bytes.set(fragment.bytes, FRAGMENT_HEAD_BYTES);
  return bytes;
}

/** Its bytes are a view of `body`. Raises `WireError`. */
export function decodeFragment(body: Uint8Array): Fragment {
  if (body.length < FRAGMENT_HEAD_BYTES) {
    throw new WireError("truncated", "a part of a message ends within its head");
  }
  const view = new DataView(body.buffer, body.byteOffset, FRAGMENT_HEAD_BYTES);
  const fragment = {
    totalBytes: view.getUint32(0),
    partBytes: view.getUint16(4),
    index: view.getUint16(6),
    urgent: body[8] === 1,
    bytes: body.subarray(FRAGMENT_HEAD_BYTES),
  };
  const { totalBytes, partBytes, index, bytes } = fragment;
  if (totalBytes > GOSSIP_MESSAGE_MAX_BYTES) {
    throw new WireError(
      "too_large",
      `a message in parts is over ${GOSSIP_MESSAGE_MAX_BYTES} bytes`,
    );
  }
  if (totalBytes === 0 || partBytes < FRAGMENT_MIN_BYTES) {
    throw new WireError("malformed", `a message of ${totalBytes} bytes in parts of ${partBytes}`);
  }
  const expected = Math.min(partBytes, totalBytes - index * partBytes);
  if (bytes.length !== expected) {
    const detail = `part ${index} of a message of ${totalBytes} bytes has ${bytes.length} bytes`;
    throw new WireError("malformed", detail);
  }
  return fragment;
}

/** Which of `count` parts have come, as it follows the head of the link. */
export function encodeAcknowledgement(
  parts: { readonly count: number; readonly has: (index: number) => boolean } | "complete",
): Uint8Array<ArrayBuffer> {
  if (parts === "complete") return Uint8Array.of(COMPLETE >> 8, COMPLETE & 0xff);
  const { count, has } = parts;
  let base = 0;
  while (base < count && has(base)) base++;
  const told = Math.min(count - base, 8 * MAP_MAX_BYTES);
  let length = 0;
  const map = new Uint8Array(Math.ceil(told / 8));
  for (let offset = 1; offset < told; offset++) {
    if (!has(base + offset)) continue;
    map[offset >> 3] = (map[offset >> 3] ?? 0) | 1 << (offset & 7);
    length = (offset >> 3) + 1;
  }
  const bytes = new Uint8Array(2 + length);
  new DataView(bytes.buffer).setUint16(0, base);
  bytes.set(map.subarray(0, length), 2);
  return bytes;
}

/** Its map is a view of `body`. Raises `WireError`. */
export function decodeAcknowledgement(body: Uint8Array): Acknowledgement {
  if (body.length < 2 || body.length > 2 + MAP_MAX_BYTES) {
    throw new WireError("malformed", `word of parts that came has ${body.length} bytes`);
  }
  const base = (body[0] ?? 0) << 8 | (body[1] ?? 0);
  if (base === COMPLETE) return { complete: true };
  return { complete: false, base, map: body.subarray(2) };
}

/** Whether an acknowledgement tells of a part. */
export function tellsOf(acknowledgement: Acknowledgement, index: number): boolean {
  if (acknowledgement.complete || index < acknowledgement.base) return true;
  const offset = index - acknowledgement.base;
  return ((acknowledgement.map[offset >> 3] ?? 0) & 1 << (offset & 7)) !== 0;
}
