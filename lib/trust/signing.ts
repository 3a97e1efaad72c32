/**
 * Ed25519 signatures of operators, by `node:crypto`.
 * @module
 */
import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { UsageError } from "../errors.ts";

/** Bytes of a public key on the wire (RFC 8032 section 5.1.5). */
export const PUBLIC_KEY_BYTES = 32;
/** Bytes of a signature (RFC 8032 section 5.1.6). */
export const SIGNATURE_BYTES = 64;
/** DER of SubjectPublicKeyInfo up to the key itself, for Ed25519 (RFC 8410 section 4). */
const SUBJECT_PUBLIC_KEY_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** A private key and its public half. */
export interface SigningKey {
  /** The public key, 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** The signature over `data`, 64 bytes. */
  sign(data: Uint8Array): Uint8Array<ArrayBuffer>;
}

/** A new key as its file's text: PKCS #8 in PEM, unencrypted, to be kept with mode 0600. */
export function generateSigningKey(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** Reads the text of a key file. Raises `UsageError` that names `source` and never its content. */
export function parseSigningKey(text: string, options: { source: string }): SigningKey {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(text);
  } catch {
    // Reported below without the cause: the parser's message could quote the secret.
  }
  if (key?.asymmetricKeyType !== "ed25519") {
    throw new UsageError(
      `${options.source} is not an Ed25519 private key in PKCS #8 PEM form; make one with "gcheck keygen -sign"`,
    );
  }
  const privateKey = key;
  const encoded = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return {
    publicKey: new Uint8Array(encoded.subarray(SUBJECT_PUBLIC_KEY_PREFIX.length)),
    sign: (data) => new Uint8Array(sign(null, data, privateKey)),
  };
}

/** Whether `signature` is `publicKey`'s over `data`. Never throws; a key or signature of another length is not valid. */
export function verifySignature(
  data: Uint8Array,
  options: { publicKey: Uint8Array; signature: Uint8Array },
): boolean {
  const { publicKey, signature } = options;
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  try {
    const key = createPublicKey({
      key: Buffer.concat([SUBJECT_PUBLIC_KEY_PREFIX, publicKey]),
      format: "der",
      type: "spki",
    });
    return verify(null, data, key, signature);
  } catch {
    return false;
  }
}
