/**
 * The signature of a batch: the signer's public key followed by the signature itself. It has a fixed
 * length and one form.
 * @module
 */
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type SigningKey } from "./signing.ts";

/** A signature and the key that it claims to be of. */
export interface BatchSignature {
  /** The signer's 32-byte public key. */
  readonly publicKey: Uint8Array;
  /** The signature over the batch's content, not verified. */
  readonly signature: Uint8Array;
}

/** Signs a batch's content. Returns the batch's `signature`. */
export function signBatch(content: Uint8Array, key: SigningKey): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PUBLIC_KEY_BYTES + SIGNATURE_BYTES);
  bytes.set(key.publicKey);
  bytes.set(key.sign(content), PUBLIC_KEY_BYTES);
  return bytes;
}

/** Splits a batch's `signature`; `undefined` if its length is wrong. Verifies nothing. */
export function readBatchSignature(bytes: Uint8Array): BatchSignature | undefined {
  if (bytes.length !== PUBLIC_KEY_BYTES + SIGNATURE_BYTES) return undefined;
  return {
    publicKey: bytes.subarray(0, PUBLIC_KEY_BYTES),
    signature: bytes.subarray(PUBLIC_KEY_BYTES),
  };
}
