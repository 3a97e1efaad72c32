/**
 * The cluster's keys, and AES-GCM as memberlist uses it (`keyring.go`, `security.go`): version
 * byte, nonce of 12 bytes, ciphertext, tag of 16 bytes.
 * @module
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { KEY_SIZES, parseKey } from "../encryption_key.ts";
import { UsageError, WireError } from "../errors.ts";
import type { Aes192 } from "../runtime.ts";

/** Bytes of a nonce. */
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;

/** memberlist's encryption versions: 0, of protocol version 1, pads to whole blocks (PKCS7); 1 does not. */
export type EncryptionVersion = 0 | 1;

/** How to seal. */
export interface SealOptions {
  /** With or without padding. */
  readonly version: EncryptionVersion;
  /** `NONCE_BYTES` bytes that are never used twice with one key. */
  readonly nonce: Uint8Array;
  /** Bytes that are authenticated but not sent along; may be empty. */
  readonly associatedData: Uint8Array;
  /** Bytes to leave free in front of the result for the caller's header. Default 0. */
  readonly headBytes?: number;
}

/** How many bytes `seal` makes of `plaintextBytes`, without head. */
export function sealedBytes(plaintextBytes: number, version: EncryptionVersion): number {
  const padding = version === 0 ? BLOCK_BYTES - (plaintextBytes % BLOCK_BYTES) : 0;
  return 1 + NONCE_BYTES + plaintextBytes + padding + TAG_BYTES;
}

/** The most that `seal` adds to a plaintext (`encryptOverhead` in memberlist's `security.go`). */
export function sealOverheadBytes(version: EncryptionVersion): number {
  return 1 + NONCE_BYTES + TAG_BYTES + (version === 0 ? BLOCK_BYTES : 0);
}

/** What a `Keyring` is made of. */
export interface KeyringOptions {
  /** At least one of 16, 24 or 32 bytes, the sealing one first; doubles are dropped. */
  readonly keys: readonly Uint8Array[];
  /** For keys of 24 bytes, which cannot be used without it. */
  readonly aes192?: Aes192;
}

/** Keys of AES-GCM: the first seals, all open. */
export class Keyring {
  readonly #aes192: Aes192 | undefined;
  #keys: readonly Uint8Array[] = [];

  /** Raises `UsageError` on no keys and on bad ones. */
  constructor(options: KeyringOptions) {
    this.#aes192 = options.aes192;
    if (options.keys.length === 0) {
      throw new UsageError("a keyring without keys: give at least one, the sealing one first");
    }
    for (const key of options.keys) this.add(key);
  }

  /** All keys, the sealing one first. */
  keys(): readonly Uint8Array[] {
    return this.#keys;
  }

  /** The key that seals. */
  primary(): Uint8Array {
    return this.#keys[0]!;
  }

  /** Adds a key that opens; one that is there already changes nothing. Raises `UsageError`. */
  add(key: Uint8Array): void {
    if (!KEY_SIZES.includes(key.length)) {
      throw new UsageError(`a key of ${key.length} bytes: expected 16, 24 or 32`);
    }
    if (this.#find(key) === undefined) this.#keys = [...this.#keys, new Uint8Array(key)];
  }

  /** Makes a key of the ring the sealing one. Raises `UsageError` where it is not there. */
  use(key: Uint8Array): void {
    const found = this.#find(key);
    if (found === undefined) {
      throw new UsageError("the key to use is not in the keyring: install it on every node first");
    }
    this.#keys = [found, ...this.#keys.filter((other) => other !== found)];
  }

  /** Drops a key; one that is not there changes nothing. Raises `UsageError` on the sealing one. */
  remove(key: Uint8Array): void {
    const found = this.#find(key);
    if (found === this.primary()) {
      throw new UsageError("the key to remove is the one that seals: use another one first");
    }
    this.#keys = this.#keys.filter((other) => other !== found);
  }

  /** Takes these keys in place of all others, the sealing one first. Raises `UsageError` on bad ones. */
  replace(keys: readonly Uint8Array[]): void {
    this.#keys = new Keyring({ keys }).keys();
  }

  /** Version byte, nonce, ciphertext and tag, after `headBytes` free bytes. */
  seal(plaintext: Uint8Array, options: SealOptions): Uint8Array<ArrayBuffer> {
    const { version, nonce, associatedData, headBytes = 0 } = options;
    const padded = version === 0 ? pad(plaintext) : plaintext;
    const at = headBytes + 1 + NONCE_BYTES;
    const sealed = new Uint8Array(at + padded.length + TAG_BYTES);
    sealed[headBytes] = version;
    sealed.set(nonce, headBytes + 1);
    const key = this.primary();
    const algorithm = nativeAlgorithm(key);
    if (algorithm === undefined) {
      sealed.set(this.#longer(key).seal(padded, { key, nonce, associatedData }), at);
      return sealed;
    }
    const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: TAG_BYTES });
    if (associatedData.length > 0) cipher.setAAD(Buffer.from(associatedData));
    sealed.set(cipher.update(padded), at);
    cipher.final();
    sealed.set(cipher.getAuthTag(), at + padded.length);
    return sealed;
  }

  /** The plaintext. Raises `WireError`: `bad_version`, or `not_decryptable` with any of the keys. */
  open(sealed: Uint8Array, options: { associatedData: Uint8Array }): Uint8Array {
    const version = sealed[0];
    if (version !== 0 && version !== 1) {
      throw new WireError(
        "bad_version",
        `an encrypted message has version ${version ?? "none"}: expected 0 or 1`,
      );
    }
    if (sealed.length < sealedBytes(0, version)) {
      throw new WireError(
        "not_decryptable",
        `an encrypted message of ${sealed.length} bytes is too short to be one`,
      );
    }
    for (const key of this.#keys) {
      const plaintext = this.#openWith(key, { sealed, associatedData: options.associatedData });
      if (plaintext !== undefined) return version === 0 ? unpad(plaintext) : plaintext;
    }
    throw new WireError("not_decryptable", "an encrypted message opens with none of our keys");
  }

  #openWith(
    key: Uint8Array,
    { sealed, associatedData }: { sealed: Uint8Array; associatedData: Uint8Array },
  ): Uint8Array | undefined {
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
    const end = sealed.length - TAG_BYTES;
    const algorithm = nativeAlgorithm(key);
    if (algorithm === undefined) {
      const both = sealed.subarray(1 + NONCE_BYTES);
      return this.#longer(key).open(both, { key, nonce, associatedData });
    }
    try {
      const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: TAG_BYTES });
      if (associatedData.length > 0) decipher.setAAD(Buffer.from(associatedData));
      decipher.setAuthTag(Buffer.from(sealed.buffer, sealed.byteOffset + end, TAG_BYTES));
      const plaintext = decipher.update(sealed.subarray(1 + NONCE_BYTES, end));
      decipher.final();
      // A Buffer's methods differ from those of the Uint8Array that callers expect.
      return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length);
    } catch {
      // A plain error says that the tag does not match: another key may.
      return undefined;
    }
  }

  #longer(key: Uint8Array): Aes192 {
    if (this.#aes192 !== undefined) return this.#aes192;
    throw new TypeError(`a keyring without AES-192 cannot use a key of ${key.length} bytes`);
  }

  #find(key: Uint8Array): Uint8Array | undefined {
    return this.#keys.find((other) =>
      other.length === key.length && other.every((byte, index) => byte === key[index])
    );
  }
}

/**
 * Serf's keyring file, a JSON array of base64 keys, the sealing one first; or one base64 key and
 * nothing else, as `gcheck keygen` makes it. Raises `UsageError`.
 */
export function parseKeyringFile(text: string): Uint8Array<ArrayBuffer>[] {
  const keys = /^[A-Za-z0-9+/=]+$/.test(text.trim()) ? [text] : parseJson(text);
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every((key) => typeof key === "string")) {
    throw new UsageError("the keyring file is bad: expected a JSON array of keys in base64");
  }
  return keys.map((key: string, index) => {
    try {
      return parseKey(key);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new UsageError(`the keyring file is bad: key ${index + 1}: ${error.message}`);
    }
  });
}

/** The text of such a file. */
export function formatKeyringFile(keys: readonly Uint8Array[]): string {
  return `${JSON.stringify(keys.map((key) => Buffer.from(key).toString("base64")), null, 2)}\n`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message may repeat a part of a key.
    throw new UsageError("the keyring file is not JSON: expected an array of keys in base64");
  }
}

/** Deno's `node:crypto` has no AES-192. */
function nativeAlgorithm(key: Uint8Array): "aes-128-gcm" | "aes-256-gcm" | undefined {
  if (key.length === 24) return undefined;
  return key.length === 16 ? "aes-128-gcm" : "aes-256-gcm";
}

function pad(plaintext: Uint8Array): Uint8Array {
  const padding = BLOCK_BYTES - (plaintext.length % BLOCK_BYTES);
  const padded = new Uint8Array(plaintext.length + padding).fill(padding, plaintext.length);
  padded.set(plaintext);
  return padded;
}

function unpad(padded: Uint8Array): Uint8Array {
  const padding = padded[padded.length - 1] ?? 0;
  if (padding < 1 || padding > BLOCK_BYTES || padding > padded.length) {
    throw new WireError("not_decryptable", "an encrypted message of version 0 is wrongly padded");
  }
  return padded.subarray(0, padded.length - padding);
}
