/**
 * The cluster's keys and what is done with them.
 * @module
 */

/** How to seal. */
export interface SealOptions {
  /** memberlist's encryption version: 0 pads to whole blocks, 1 does not. */
  readonly version: 0 | 1;
  /** 12 bytes that are never used twice with one key. */
  readonly nonce: Uint8Array;
  /** Bytes that are authenticated but not sent along. */
  readonly associatedData: Uint8Array;
}

/** Keys of AES-GCM: the first seals, all open. */
export class Keyring {
  /** Takes at least one key of 16, 24 or 32 bytes. Raises `UsageError`. */
  constructor(_options: { keys: readonly Uint8Array[] }) {
    throw new Error("Keyring is being written");
  }
  /** All keys, the sealing one first. */
  keys(): readonly Uint8Array[] {
    throw new Error("Keyring is being written");
  }
  /** The key that seals. */
  primary(): Uint8Array {
    throw new Error("Keyring is being written");
  }
  /** Adds a key that opens; one that is there already changes nothing. Raises `UsageError`. */
  add(_key: Uint8Array): void {}
  /** Makes a key of the ring the sealing one. Raises `UsageError`. */
  use(_key: Uint8Array): void {}
  /** Drops a key; the sealing one stays. Raises `UsageError`. */
  remove(_key: Uint8Array): void {}
  /** Version byte, nonce, ciphertext and tag. */
  seal(_plaintext: Uint8Array, _options: SealOptions): Uint8Array<ArrayBuffer> {
    throw new Error("Keyring is being written");
  }
  /** The plaintext. Raises `WireError` (`not_decryptable`, `truncated`, `bad_version`). */
  open(_sealed: Uint8Array, _options: { associatedData: Uint8Array }): Uint8Array<ArrayBuffer> {
    throw new Error("Keyring is being written");
  }
}

/** A base64 key of 16, 24 or 32 bytes. Raises `UsageError`. */
export function parseKey(_base64: string): Uint8Array<ArrayBuffer> {
  throw new Error("parseKey is being written");
}

/** Serf's keyring file: a JSON array of base64 keys, the sealing one first. Raises `UsageError`. */
export function parseKeyringFile(_text: string): Uint8Array<ArrayBuffer>[] {
  throw new Error("parseKeyringFile is being written");
}
