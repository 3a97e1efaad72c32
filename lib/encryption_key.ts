/**
 * Parses base64 cluster keys and computes their fingerprints. A fingerprint names a key and is not
 * secret.
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { UsageError } from "./errors.ts";

/** Key sizes in bytes: AES-128, AES-192 and AES-256. */
export const KEY_SIZES: readonly number[] = [16, 24, 32];
/** Hex digits of a fingerprint, 64 bits: a collision between keys of a cluster is very unlikely. */
const FINGERPRINT_DIGITS = 16;

/** Parses a base64 key of 16, 24 or 32 bytes. Raises `UsageError`, which does not quote the key. */
export function parseKey(base64: string): Uint8Array<ArrayBuffer> {
  const text = base64.trim();
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) {
    throw new UsageError("a key is not base64; expected 16, 24 or 32 bytes in base64");
  }
  const key = new Uint8Array(Buffer.from(text, "base64"));
  if (!KEY_SIZES.includes(key.length)) {
    throw new UsageError(
      `a key is ${key.length} bytes long; expected 16, 24 or 32 bytes in base64`,
    );
  }
  return key;
}

/** The fingerprint of a key: the first 16 hex digits of its SHA-256. */
export function fingerprintOf(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex").slice(0, FINGERPRINT_DIGITS);
}

/** Whether a text is a fingerprint: 16 lower-case hex digits. */
export function isFingerprint(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}
