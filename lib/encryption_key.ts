/**
 * A cluster key as people handle it: written in base64, and named by its fingerprint, which is no
 * secret.
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { UsageError } from "./errors.ts";

/** Bytes of a key: AES-128, AES-192 or AES-256. */
export const KEY_SIZES: readonly number[] = [16, 24, 32];
/** Hex digits of a fingerprint: 64 bits, so that no two keys of a cluster share one by chance. */
const FINGERPRINT_DIGITS = 16;

/** A base64 key of 16, 24 or 32 bytes. Raises `UsageError`, which does not repeat the key. */
export function parseKey(base64: string): Uint8Array<ArrayBuffer> {
  const text = base64.trim();
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) {
    throw new UsageError("a key is not base64: expected 16, 24 or 32 bytes, written in base64");
  }
  const key = new Uint8Array(Buffer.from(text, "base64"));
  if (!KEY_SIZES.includes(key.length)) {
    throw new UsageError(`a key of ${key.length} bytes: expected 16, 24 or 32, written in base64`);
  }
  return key;
}

/** What a key is called: the first 16 hex digits of its SHA-256. */
export function fingerprintOf(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex").slice(0, FINGERPRINT_DIGITS);
}

/** Whether a text is a fingerprint in its one form. */
export function isFingerprint(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}
