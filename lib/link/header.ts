/**
 * Link header: the sessions of sender and receiver, the sender's name and a sequence number, in
 * front of everything that one node's link machine sends another's.
 *
 * Encryption authenticates the header, so a captured message is valid for one receiver only, and
 * only once (`sessions.ts`).
 *
 *     version (1) kind (1) receiver's session (8) sender's session (8) sequence (6)
 *     length of name (1) name
 * @module
 */
import { concat } from "@std/bytes";
import { WireError } from "../errors.ts";
import { decodeUtf8, encodeUtf8 } from "../utf8.ts";

/** The highest sequence number; it has six bytes in the header. */
export const SEQUENCE_MAX: number = 2 ** 48 - 1;

/** To be incremented if an older node would misread a message. */
const LINK_VERSION = 1;
const SESSION_BYTES = 8;
const SEQUENCE_AT = 2 + 2 * SESSION_BYTES;
/** Length of the header without the name. */
const FIXED_BYTES = SEQUENCE_AT + 6 + 1;

/**
 * What follows the header. On a stream: a `message`, and in the other direction its `message_ack`
 * with nothing after the header. In a packet: a `fragment` of a message, and in the other direction
 * a `fragment_ack` (`fragments.ts`).
 */
export type LinkKind = "message" | "message_ack" | "fragment" | "fragment_ack";

/** The numbers are wire format: add, never change. */
const KINDS: Readonly<Record<LinkKind, number>> = {
  message: 1,
  message_ack: 2,
  fragment: 3,
  fragment_ack: 4,
};
const KIND_BY_NUMBER = new Map(
  Object.entries(KINDS).map(([kind, number]) => [number, kind as LinkKind]),
);

/** One run of a daemon process: 16 hexadecimal digits, drawn at random when it starts. */
export type Session = string;

/** The decoded header. */
export interface LinkHeader {
  /** What follows. */
  readonly kind: LinkKind;
  /** The receiver's session. */
  readonly toSession: Session;
  /** The sender's name. */
  readonly from: string;
  /** The sender's session. */
  readonly fromSession: Session;
  /** Identifies a message between the two sessions. An ack has the number of its message. */
  readonly sequence: number;
}

/** Draws a session. */
export function newSession(random: { bytes(length: number): Uint8Array<ArrayBuffer> }): Session {
  return random.bytes(SESSION_BYTES).toHex();
}

/** Identifies one session of one sender, for use as a key. */
export function senderOf(header: LinkHeader): string {
  return `${header.fromSession} ${header.from}`;
}

/** Length of the header if the sender has this name. */
export function linkHeaderBytes(name: string): number {
  return FIXED_BYTES + encodeUtf8(name).length;
}

/** Encodes a header. */
export function encodeLinkHeader(header: LinkHeader): Uint8Array<ArrayBuffer> {
  const name = encodeUtf8(header.from);
  const bytes = new Uint8Array(FIXED_BYTES + name.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = LINK_VERSION;
  bytes[1] = KINDS[header.kind];
  bytes.set(Uint8Array.fromHex(header.toSession), 2);
  bytes.set(Uint8Array.fromHex(header.fromSession), 2 + SESSION_BYTES);
  view.setUint16(SEQUENCE_AT, Math.floor(header.sequence / 2 ** 32));
  view.setUint32(SEQUENCE_AT + 2, header.sequence % 2 ** 32);
  bytes[FIXED_BYTES - 1] = name.length;
  bytes.set(name, FIXED_BYTES);
  return bytes;
}

/** Encodes a header and appends what follows it. */
export function withLinkHeader(header: LinkHeader, body: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([encodeLinkHeader(header), body]);
}

/** Decodes a header; `body` is a view of what follows it. Throws `WireError`. */
export function decodeLinkHeader(bytes: Uint8Array): { header: LinkHeader; body: Uint8Array } {
  const [version, kindNumber] = bytes;
  if (version !== undefined && version !== LINK_VERSION) {
    throw new WireError(
      "bad_version",
      `unsupported link protocol version ${version} (this node speaks ${LINK_VERSION})`,
    );
  }
  const nameBytes = bytes[FIXED_BYTES - 1] ?? 0;
  const end = FIXED_BYTES + nameBytes;
  if (bytes.length < end) {
    const detail = `truncated link header of ${bytes.length} bytes, expected at least ${end}`;
    throw new WireError("truncated", detail);
  }
  const kind = KIND_BY_NUMBER.get(kindNumber ?? 0);
  if (kind === undefined) {
    const known = [...KIND_BY_NUMBER.keys()].join(", ");
    throw new WireError(
      "unknown_type",
      `unknown link message kind ${kindNumber} (known: ${known})`,
    );
  }
  const from = decodeUtf8(bytes.subarray(FIXED_BYTES, end));
  if (from === undefined || from === "") {
    const fault = from === undefined ? "not valid UTF-8" : "empty";
    throw new WireError("malformed", `the sender's name in a link header is ${fault}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, FIXED_BYTES);
  const header = {
    kind,
    toSession: bytes.subarray(2, 2 + SESSION_BYTES).toHex(),
    from,
    fromSession: bytes.subarray(2 + SESSION_BYTES, SEQUENCE_AT).toHex(),
    sequence: view.getUint16(SEQUENCE_AT) * 2 ** 32 + view.getUint32(SEQUENCE_AT + 2),
  };
  return { header, body: bytes.subarray(end) };
}
