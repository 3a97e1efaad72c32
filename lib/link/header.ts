/**
 * What stands in front of everything that one node's dissemination sends another: between which two
 * lives of which nodes it travels, and its place among all that goes that way. Behind encryption
 * that makes it good for one receiver, one time, and for no other.
 * @module
 */
import { concat } from "@std/bytes";
import { WireError } from "../errors.ts";
import { NAME_MAX_BYTES } from "../limits.ts";
import { decodeUtf8, encodeUtf8 } from "../utf8.ts";

/** Bytes of a session. */
export const SESSION_BYTES = 8;
/** The largest number: what fits the six bytes that it has. */
export const LINK_NUMBER_MAX: number = 2 ** 48 - 1;

/** Rises when an older node would misread a newer one. */
const LINK_VERSION = 1;
/** Version, kind, both sessions, number, and the length of the name that follows. */
const FIXED_BYTES = 2 + 2 * SESSION_BYTES + 6 + 1;

/** What follows a head. */
export type LinkKind =
  /** A gossip message, on a stream. */
  | "message"
  /** Nothing: the message of that number was taken. On the same stream, the other way. */
  | "receipt"
  /** A part of a gossip message, in a packet (`fragments.ts`). */
  | "fragment"
  /** Which parts have come. In a packet, the other way. */
  | "acknowledgement";

/** Append-only. */
const KINDS: Readonly<Record<LinkKind, number>> = {
  message: 1,
  receipt: 2,
  fragment: 3,
  acknowledgement: 4,
};

/** One life of a node, from its start to its end: 16 hexadecimal digits, drawn at random. */
export type Session = string;

/** From whom to whom, and which of all. */
export interface LinkHead {
  /** What follows. */
  readonly kind: LinkKind;
  /** The receiver's session. */
  readonly to: Session;
  /** The sender's name. */
  readonly from: string;
  /** The sender's session. */
  readonly fromSession: Session;
  /** The message's own; a receipt and an acknowledgement carry the number of what they answer. */
  readonly number: number;
}

const KIND_BY_NUMBER = new Map(
  Object.entries(KINDS).map(([kind, number]) => [number, kind as LinkKind]),
);

/** A session for a node that starts. */
export function newSession(random: { bytes(length: number): Uint8Array<ArrayBuffer> }): Session {
  return random.bytes(SESSION_BYTES).toHex();
}

/** How many bytes the head takes of messages of a node of that name. */
export function linkHeadBytes(name: string): number {
  return FIXED_BYTES + encodeUtf8(name).length;
}

/** The head's bytes, to be followed by what its kind says. */
export function encodeLinkHead(head: LinkHead): Uint8Array<ArrayBuffer> {
  const name = encodeUtf8(head.from);
  const bytes = new Uint8Array(FIXED_BYTES + name.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = LINK_VERSION;
  bytes[1] = KINDS[head.kind];
  bytes.set(Uint8Array.fromHex(head.to), 2);
  bytes.set(Uint8Array.fromHex(head.fromSession), 2 + SESSION_BYTES);
  const at = 2 + 2 * SESSION_BYTES;
  view.setUint16(at, Math.floor(head.number / 2 ** 32));
  view.setUint32(at + 2, head.number % 2 ** 32);
  bytes[FIXED_BYTES - 1] = name.length;
  bytes.set(name, FIXED_BYTES);
  return bytes;
}

/** A head and what follows it, in one. */
export function withLinkHead(head: LinkHead, body: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([encodeLinkHead(head), body]);
}

/** The head at the start of `bytes`, and a view of what follows. Raises `WireError`. */
export function decodeLinkHead(bytes: Uint8Array): { head: LinkHead; body: Uint8Array } {
  const version = bytes[0];
  if (version !== LINK_VERSION) {
    const detail = `a message between nodes has version ${version ?? "none"}: ${LINK_VERSION} goes`;
    throw new WireError("bad_version", detail);
  }
  const kind = KIND_BY_NUMBER.get(bytes[1] ?? 0);
  if (kind === undefined) {
    throw new WireError("unknown_type", `a message between nodes of the unknown kind ${bytes[1]}`);
  }
  const nameBytes = bytes[FIXED_BYTES - 1] ?? 0;
  const end = FIXED_BYTES + nameBytes;
  if (bytes.length < end) {
    throw new WireError("truncated", "a message between nodes ends within its head");
  }
  if (nameBytes === 0 || nameBytes > NAME_MAX_BYTES) {
    throw new WireError(
      "malformed",
      `a message between nodes names its sender in ${nameBytes} bytes`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, FIXED_BYTES);
  const at = 2 + 2 * SESSION_BYTES;
  const head = {
    kind,
    to: bytes.subarray(2, 2 + SESSION_BYTES).toHex(),
    fromSession: bytes.subarray(2 + SESSION_BYTES, at).toHex(),
    number: view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2),
    from: textOf(bytes.subarray(FIXED_BYTES, end)),
  };
  return { head, body: bytes.subarray(end) };
}

function textOf(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  throw new WireError("malformed", "a message between nodes names its sender in no UTF-8");
}
