/**
 * What a batch's `signature` holds: the signer's public key and their signature, end to end. It has
 * one length, so it has one form.
 * @module
 */
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type SigningKey } from "./signing.ts";

/** A signature and whose it claims to be. */
export interface BatchSignature {
  /** The signer's 32-byte public key. */
  readonly publicKey: Uint8Array;
  /** Theirs over `signedBytes` of the batch, where it is true. */
  readonly signature: Uint8Array;
}

/** Signs a batch's `signedBytes`; what goes into its `signature`. */
export function signBatch(signed: Uint8Array, key: SigningKey): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PUBLIC_KEY_BYTES + SIGNATURE_BYTES);
  bytes.set(key.publicKey);
  bytes.set(key.sign(signed), PUBLIC_KEY_BYTES);
  return bytes;
}

/** Takes a batch's `signature` apart; `undefined` where it cannot be one. Checks nothing else. */
export function readBatchSignature(bytes: Uint8Array): BatchSignature | undefined {
  if (bytes.length !== PUBLIC_KEY_BYTES + SIGNATURE_BYTES) return undefined;
  return {
    publicKey: bytes.subarray(0, PUBLIC_KEY_BYTES),
    signature: bytes.subarray(PUBLIC_KEY_BYTES),
  };
}
