/**
 * The cluster's keyring, and AES-GCM in memberlist's format (`keyring.go`, `security.go`): a version
 * byte, a nonce of 12 bytes, the ciphertext, a tag of 16 bytes.
 * @module
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { KEY_SIZES, parseKey } from "../encryption_key.ts";
import { UsageError, WireError } from "../errors.ts";
import { type Gcm, loadGcm } from "../std/aes_gcm.ts";

/** Length of a nonce, in bytes. */
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;

/**
 * memberlist's encryption versions: 0, of protocol version 1, pads the plaintext to whole blocks
 * (PKCS7); 1 does not.
 */
export type EncryptionVersion = 0 | 1;

/** Options of `Keyring.seal`. */
export interface SealOptions {
  /** Decides about padding. */
  readonly version: EncryptionVersion;
  /** `NONCE_BYTES` bytes, never the same twice with one key. */
  readonly nonce: Uint8Array;
  /** Bytes that are authenticated but not part of the message; may be empty. */
  readonly associatedData: Uint8Array;
  /** Zero bytes to reserve in front of the result for the caller's header. Default 0. */
  readonly headBytes?: number;
}

/** Length of what `seal` makes of `plaintextBytes` bytes, without a reserved header. */
export function sealedBytes(plaintextBytes: number, version: EncryptionVersion): number {
  const padding = version === 0 ? BLOCK_BYTES - (plaintextBytes % BLOCK_BYTES) : 0;
  return 1 + NONCE_BYTES + plaintextBytes + padding + TAG_BYTES;
}

/** The most bytes that `seal` adds to a plaintext (`encryptOverhead` in memberlist's `security.go`). */
export function sealOverheadBytes(version: EncryptionVersion): number {
  return 1 + NONCE_BYTES + TAG_BYTES + (version === 0 ? BLOCK_BYTES : 0);
}

/** Options of a `Keyring`. */
export interface KeyringOptions {
  /** One or more keys of 16, 24 or 32 bytes, the primary one first; duplicates are dropped. */
  readonly keys: readonly Uint8Array[];
}

/** AES-GCM keys: the primary key encrypts, every key decrypts. */
export class Keyring {
  #keys: readonly Uint8Array[] = [];
  /** AES-GCM for 24-byte keys, loaded with the first of them: hardly any keyring has one. */
  #gcm192: Gcm | undefined;

  /** Raises `UsageError` if there is no key, or one of another length. */
  constructor(options: KeyringOptions) {
    if (options.keys.length === 0) {
      throw new UsageError("the keyring has no key: expected one or more, the primary key first");
    }
    for (const key of options.keys) this.add(key);
  }

  /** All keys, the primary one first. */
  keys(): readonly Uint8Array[] {
    return this.#keys;
  }

  /** The key that encrypts. */
  primary(): Uint8Array {
    return this.#keys[0]!;
  }

  /** Adds a key for decryption, unless the ring has it. Raises `UsageError` on another length. */
  add(key: Uint8Array): void {
    if (!KEY_SIZES.includes(key.length)) {
      throw new UsageError(`a key of ${key.length} bytes: expected 16, 24 or 32`);
    }
    if (nativeAlgorithm(key) === undefined) this.#gcm192 ??= loadGcm();
    if (this.#find(key) === undefined) this.#keys = [...this.#keys, new Uint8Array(key)];
  }

  /** Makes a key of the ring the primary one. Raises `UsageError` if the ring lacks it. */
  use(key: Uint8Array): void {
    const found = this.#find(key);
    if (found === undefined) {
      throw new UsageError("the key to use is not in the keyring: install it on every node first");
    }
    this.#keys = [found, ...this.#keys.filter((other) => other !== found)];
  }

  /** Removes a key, if the ring has it. Raises `UsageError` on the primary key. */
  remove(key: Uint8Array): void {
    const found = this.#find(key);
    if (found === this.primary()) {
      throw new UsageError("the key to remove is the primary key: use another one first");
    }
    this.#keys = this.#keys.filter((other) => other !== found);
  }

  /** Replaces all keys, the primary one first. Raises `UsageError` on bad keys and changes nothing then. */
  replace(keys: readonly Uint8Array[]): void {
    const replacement = new Keyring({ keys });
    this.#keys = replacement.#keys;
    this.#gcm192 = replacement.#gcm192;
  }

  /**
   * Encrypts and authenticates `plaintext` with the primary key. Returns `headBytes` zero bytes, the
   * version byte, the nonce, the ciphertext and the tag.
   */
  seal(plaintext: Uint8Array, options: SealOptions): Uint8Array<ArrayBuffer> {
    const { version, nonce, associatedData, headBytes = 0 } = options;
    if (nonce.length !== NONCE_BYTES) {
      throw new RangeError(`a nonce of ${nonce.length} bytes: expected ${NONCE_BYTES}`);
    }
    const padded = version === 0 ? pad(plaintext) : plaintext;
    const at = headBytes + 1 + NONCE_BYTES;
    const sealed = new Uint8Array(at + padded.length + TAG_BYTES);
    sealed[headBytes] = version;
    sealed.set(nonce, headBytes + 1);
    const key = this.primary();
    const algorithm = nativeAlgorithm(key);
    if (algorithm === undefined) {
      sealed.set(this.#gcm192!(key, nonce, associatedData).encrypt(padded), at);
      return sealed;
    }
    const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: TAG_BYTES });
    if (associatedData.length > 0) cipher.setAAD(Buffer.from(associatedData));
    sealed.set(cipher.update(padded), at);
    cipher.final();
    sealed.set(cipher.getAuthTag(), at + padded.length);
    return sealed;
  }

  /**
   * Decrypts what `seal` returned, without its header, with each key in turn. Raises `WireError`:
   * `bad_version`, or `not_decryptable` if no key fits or the message was changed.
   */
  open(sealed: Uint8Array, options: { associatedData: Uint8Array }): Uint8Array {
    const version = sealed[0];
    if (version !== 0 && version !== 1) {
      throw new WireError(
        "bad_version",
        `unsupported encryption version ${version ?? "(no bytes)"}, expected 0 or 1`,
      );
    }
    if (sealed.length < sealedBytes(0, version)) {
      throw new WireError(
        "not_decryptable",
        `an encrypted message is ${sealed.length} bytes long; minimum ${sealedBytes(0, version)}`,
      );
    }
    for (const key of this.#keys) {
      const plaintext = this.#openWith(key, { sealed, associatedData: options.associatedData });
      if (plaintext !== undefined) return version === 0 ? unpad(plaintext) : plaintext;
    }
    throw new WireError("not_decryptable", "no key of the keyring decrypts the message");
  }

  #openWith(
    key: Uint8Array,
    { sealed, associatedData }: { sealed: Uint8Array; associatedData: Uint8Array },
  ): Uint8Array | undefined {
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
    const end = sealed.length - TAG_BYTES;
    const algorithm = nativeAlgorithm(key);
    try {
      if (algorithm === undefined) {
        return this.#gcm192!(key, nonce, associatedData).decrypt(sealed.subarray(1 + NONCE_BYTES));
      }
      const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: TAG_BYTES });
      if (associatedData.length > 0) decipher.setAAD(Buffer.from(associatedData));
      decipher.setAuthTag(Buffer.from(sealed.buffer, sealed.byteOffset + end, TAG_BYTES));
      const plaintext = decipher.update(sealed.subarray(1 + NONCE_BYTES, end));
      decipher.final();
      // Some methods of a Buffer differ from those of Uint8Array.
      return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length);
    } catch {
      // The tag does not match; both libraries throw a plain `Error` for that.
      return undefined;
    }
  }

  #find(key: Uint8Array): Uint8Array | undefined {
    return this.#keys.find((other) =>
      other.length === key.length && other.every((byte, index) => byte === key[index])
    );
  }
}

/**
 * Parses a keyring file: Serf's format, a JSON array of base64 keys with the primary one first, or a
 * single base64 key as `gcheck keygen` writes it. Raises `UsageError`, which repeats no key.
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

/** Writes keys in Serf's keyring file format. */
export function formatKeyringFile(keys: readonly Uint8Array[]): string {
  return `${JSON.stringify(keys.map((key) => Buffer.from(key).toString("base64")), null, 2)}\n`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of JSON.parse may repeat a part of a key.
    throw new UsageError("the keyring file is not JSON: expected an array of keys in base64");
  }
}

/** The name in `node:crypto`; undefined for 24 bytes, since Deno's `node:crypto` has no AES-192-GCM. */
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
    throw new WireError(
      "not_decryptable",
      "an encrypted message of version 0 has bad PKCS7 padding",
    );
  }
  return padded.subarray(0, padded.length - padding);
}
