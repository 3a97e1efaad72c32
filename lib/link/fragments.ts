/**
 * Codec of fragments, the pieces of a message that fit a packet each, and of their acks, which have
 * a bitmap of the fragments received.
 * @module
 */
import { WireError } from "../errors.ts";
import { FRAGMENT_MIN_BYTES, GOSSIP_MESSAGE_MAX_BYTES } from "../limits.ts";

/** Length of the message (4), length of a fragment (2), index (2), whether to ack at once (1). */
const FRAGMENT_HEADER_BYTES = 4 + 2 + 2 + 1;
/** In an ack, in place of the first missing index: the message is complete. */
const COMPLETE = 0xffff;
/** Longest bitmap of an ack. Fragments beyond it are acknowledged by a later ack. */
const BITMAP_MAX_BYTES = 256;

/** A fragment of a message. All fragments but the last have the same length. */
export interface Fragment {
  /** Length of the message. */
  readonly totalBytes: number;
  /** Length of each fragment but the last. */
  readonly fragmentBytes: number;
  /** Position of the fragment, from 0. */
  readonly index: number;
  /** The sender asks for an ack at once. */
  readonly ackNow: boolean;
  /** The fragment's content. */
  readonly bytes: Uint8Array;
}

/**
 * Acknowledges a complete message, or all fragments below `base` and those that have a bit in
 * `bitmap`; bit 0 stands for `base`, which is the first missing one.
 */
export type FragmentAck =
  | { readonly complete: true }
  | { readonly complete: false; readonly base: number; readonly bitmap: Uint8Array };

/** Length of a fragment if a packet has room for `roomBytes` after the link header. */
export function fragmentBytesFor(roomBytes: number): number {
  return roomBytes - FRAGMENT_HEADER_BYTES;
}

/** Number of fragments of a message. */
export function fragmentCount(totalBytes: number, fragmentBytes: number): number {
  return Math.ceil(totalBytes / fragmentBytes);
}

/** Encodes a fragment, to follow a link header. */
export function encodeFragment(fragment: Fragment): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAGMENT_HEADER_BYTES + fragment.bytes.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, fragment.totalBytes);
  view.setUint16(4, fragment.fragmentBytes);
  view.setUint16(6, fragment.index);
  bytes[8] = fragment.ackNow ? 1 : 0;
  bytes.set(fragment.bytes, FRAGMENT_HEADER_BYTES);
  return bytes;
}

/** Decodes a fragment; its bytes are a view of `body`. Throws `WireError`. */
export function decodeFragment(body: Uint8Array): Fragment {
  if (body.length < FRAGMENT_HEADER_BYTES) {
    const detail = `truncated fragment of ${body.length} bytes, ` +
      `expected at least ${FRAGMENT_HEADER_BYTES}`;
    throw new WireError("truncated", detail);
  }
  const view = new DataView(body.buffer, body.byteOffset, FRAGMENT_HEADER_BYTES);
  const totalBytes = view.getUint32(0);
  const fragmentBytes = view.getUint16(4);
  const index = view.getUint16(6);
  if (totalBytes > GOSSIP_MESSAGE_MAX_BYTES) {
    const detail = `a fragmented message is ${totalBytes} bytes long; ` +
      `maximum ${GOSSIP_MESSAGE_MAX_BYTES}`;
    throw new WireError("too_large", detail);
  }
  if (fragmentBytes < FRAGMENT_MIN_BYTES) {
    const detail = `a message has fragments of ${fragmentBytes} bytes; ` +
      `minimum ${FRAGMENT_MIN_BYTES}`;
    throw new WireError("malformed", detail);
  }
  const count = fragmentCount(totalBytes, fragmentBytes);
  if (index >= count) {
    throw new WireError("malformed", `fragment ${index} of a message that has ${count}`);
  }
  const bytes = body.subarray(FRAGMENT_HEADER_BYTES);
  const expected = Math.min(fragmentBytes, totalBytes - index * fragmentBytes);
  if (bytes.length !== expected) {
    const detail = `fragment ${index} of a message of ${totalBytes} bytes has ` +
      `${bytes.length} bytes, expected ${expected}`;
    throw new WireError("malformed", detail);
  }
  return { totalBytes, fragmentBytes, index, ackNow: body[8] === 1, bytes };
}

/** Encodes an ack of those of `count` fragments that were received, to follow a link header. */
export function encodeFragmentAck(
  received: { readonly count: number; readonly has: (index: number) => boolean } | "complete",
): Uint8Array<ArrayBuffer> {
  if (received === "complete") return Uint8Array.of(COMPLETE >> 8, COMPLETE & 0xff);
  const { count, has } = received;
  let base = 0;
  while (base < count && has(base)) base++;
  const bits = Math.min(count - base, 8 * BITMAP_MAX_BYTES);
  const bitmap = new Uint8Array(Math.ceil(bits / 8));
  let length = 0;
  for (let offset = 1; offset < bits; offset++) {
    if (!has(base + offset)) continue;
    bitmap[offset >> 3] = (bitmap[offset >> 3] ?? 0) | 1 << (offset & 7);
    length = (offset >> 3) + 1;
  }
  const bytes = new Uint8Array(2 + length);
  new DataView(bytes.buffer).setUint16(0, base);
  bytes.set(bitmap.subarray(0, length), 2);
  return bytes;
}

/** Decodes an ack; its bitmap is a view of `body`. Throws `WireError`. */
export function decodeFragmentAck(body: Uint8Array): FragmentAck {
  if (body.length < 2 || body.length > 2 + BITMAP_MAX_BYTES) {
    const detail = `fragment ack of ${body.length} bytes, expected 2 to ${2 + BITMAP_MAX_BYTES}`;
    throw new WireError("malformed", detail);
  }
  const base = (body[0] ?? 0) << 8 | (body[1] ?? 0);
  if (base === COMPLETE) return { complete: true };
  return { complete: false, base, bitmap: body.subarray(2) };
}

/** Whether an ack acknowledges a fragment. */
export function acknowledges(ack: FragmentAck, index: number): boolean {
  if (ack.complete || index < ack.base) return true;
  const offset = index - ack.base;
  return ((ack.bitmap[offset >> 3] ?? 0) & 1 << (offset & 7)) !== 0;
}
