/** One key and nonce, ready to seal or open once. */
export interface AesGcm {
  /** Ciphertext and tag. */
  encrypt(plaintext: Uint8Array): Uint8Array<ArrayBuffer>;
  /** Plaintext; throws where the tag does not match. */
  decrypt(sealed: Uint8Array): Uint8Array<ArrayBuffer>;
}
/** AES-GCM with a key of 16, 24 or 32 bytes. */
export function gcm(key: Uint8Array, nonce: Uint8Array, associatedData?: Uint8Array): AesGcm;
