/**
 * Changes of the cluster's keys while it runs: what travels in place of a batch's checks, and how a
 * node's answer names its keys.
 *
 * An operation is an array `["gossipcheck-keys", version, type, argument]`. No list of checks looks
 * like it, since those hold arrays only; a node of a release before it answers that it cannot read
 * the batch.
 * @module
 */
import { encode } from "@std/msgpack";
import { isFingerprint, KEY_SIZES } from "../encryption_key.ts";
import { WireError } from "../errors.ts";
import { KEY_OPERATION_MAX_BYTES } from "../limits.ts";
import { scanValue } from "../msgpack_scanner.ts";
import { decode } from "../std/msgpack_decode.ts";
import { encodeUtf8 } from "../utf8.ts";

/** What every node is to do with its keyring. */
export type KeyOperation =
  /** Keep a key, to decrypt with. */
  | {
    /** Tells the variants apart. */
    readonly type: "install";
    /** 16, 24 or 32 bytes. */
    readonly key: Uint8Array;
  }
  /** Encrypt with a key that is there, or let go of one that is not encrypted with. */
  | {
    /** Tells the variants apart. */
    readonly type: "use" | "remove";
    /** Which key. */
    readonly fingerprint: string;
  }
  /** Say which keys there are. */
  | {
    /** Tells the variants apart. */
    readonly type: "list";
  };

/** Stands for an operation where a batch's checks are named, and for its outcome on a node. */
export const KEY_OPERATION_CHECK = "(keys)";

const TAG = "gossipcheck-keys";
const VERSION = 1;
/** An array of four whose first item is the tag, in MessagePack's shortest form. */
const HEAD: readonly number[] = [0x94, 0xa0 | TAG.length, ...encodeUtf8(TAG)];

/** An operation as a batch's body. */
export function encodeKeyOperation(operation: KeyOperation): Uint8Array<ArrayBuffer> {
  return encode([TAG, VERSION, operation.type, argumentOf(operation)]);
}

/** The operation that a batch's body is; `undefined` where it holds something else. Raises `WireError`. */
export function decodeKeyOperation(body: Uint8Array): KeyOperation | undefined {
  if (body.length > KEY_OPERATION_MAX_BYTES || !startsWithTag(body)) return undefined;
  if (scanValue({ bytes: body, start: 0, end: body.length }) !== body.length) {
    throw malformed("bytes follow its end");
  }
  const [, version, type, argument] = unpacked(body);
  if (version !== VERSION) {
    throw new WireError("bad_version", `a key operation of version ${String(version)}`);
  }
  switch (type) {
    case "install":
      if (!(argument instanceof Uint8Array) || !KEY_SIZES.includes(argument.length)) {
        throw malformed("its key must be 16, 24 or 32 bytes");
      }
      return { type, key: new Uint8Array(argument) };
    case "use":
    case "remove":
      if (typeof argument !== "string" || !isFingerprint(argument)) {
        throw malformed("its fingerprint must be 16 hex digits");
      }
      return { type, fingerprint: argument };
    case "list":
      return { type };
    default:
      throw malformed("its type must be install, use, remove or list");
  }
}

/** The keys of one node, by fingerprint. */
export interface KeyListing {
  /** The one that it encrypts with. */
  readonly sealing: string;
  /** All that it decrypts with, that one included. */
  readonly held: readonly string[];
}

const SEALS = "encrypts with ";
const HOLDS = "holds ";

/** A listing as the names of passing checks, which is what a node's answer can carry. */
export function listingToChecks({ sealing, held }: KeyListing): string[] {
  return [SEALS + sealing, ...held.map(heldKeyCheck)];
}

/** The name of the check that a node with this key passes. */
export function heldKeyCheck(fingerprint: string): string {
  return HOLDS + fingerprint;
}

/** The listing in the names of a node's checks; `undefined` where there is none. */
export function listingFromChecks(checks: readonly string[]): KeyListing | undefined {
  const after = (prefix: string) =>
    checks.filter((check) => check.startsWith(prefix)).map((check) => check.slice(prefix.length))
      .filter(isFingerprint);
  const [sealing] = after(SEALS);
  return sealing === undefined ? undefined : { sealing, held: after(HOLDS) };
}

function argumentOf(operation: KeyOperation): Uint8Array | string | null {
  switch (operation.type) {
    case "install":
      return operation.key;
    case "use":
    case "remove":
      return operation.fingerprint;
    case "list":
      return null;
    default:
      return operation satisfies never;
  }
}

function startsWithTag(body: Uint8Array): boolean {
  return HEAD.every((byte, index) => body[index] === byte);
}

function unpacked(body: Uint8Array): readonly unknown[] {
  try {
    return decode(body) as readonly unknown[];
  } catch {
    // Without the decoder's own message, which could quote the key.
    throw malformed("it is not MessagePack");
  }
}

function malformed(why: string): WireError {
  return new WireError("malformed", `a key operation is bad: ${why}`);
}
