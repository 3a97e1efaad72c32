/**
 * The file of `-trusted-keys`: the public keys whose batches run, in the form of ssh's allowed signers
 * (ssh-keygen(1), "ALLOWED SIGNERS"): `name ssh-ed25519 BASE64 [comment]`, one a line.
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { UsageError } from "../errors.ts";
import { PUBLIC_KEY_BYTES } from "./signing.ts";

const KEY_TYPE = "ssh-ed25519";
/** The wire form of a public key (RFC 8709 section 4): two strings with a 32-bit length each. */
const ENCODED_PREFIX = Buffer.concat([
  lengthOf(KEY_TYPE.length),
  Buffer.from(KEY_TYPE),
  lengthOf(PUBLIC_KEY_BYTES),
]);

/** A signer whose batches run. */
export interface AllowedSigner {
  /** The name that results and the audit log show. */
  readonly name: string;
  /** The signer's public key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** One line of the file, its key type included, so that `ssh-keygen` reads it as well. */
export function formatAllowedSigner(signer: AllowedSigner): string {
  const encoded = Buffer.concat([ENCODED_PREFIX, signer.publicKey]).toString("base64");
  return `${signer.name} ${KEY_TYPE} ${encoded}`;
}

/** A key's fingerprint: `SHA256:` and a hash, as `ssh-keygen -l` shows it. */
export function fingerprint(publicKey: Uint8Array): string {
  const hash = createHash("sha256").update(ENCODED_PREFIX).update(publicKey).digest("base64");
  return `SHA256:${hash.replace(/=+$/, "")}`;
}

/**
 * Reads the file's text; empty lines and lines that start with `#` are ignored. Raises `UsageError`
 * that names `source` and the line, also for a file without a key: it would refuse every batch.
 */
export function parseAllowedSigners(text: string, options: { source: string }): AllowedSigner[] {
  const signers: AllowedSigner[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || words[0]?.startsWith("#")) continue;
    signers.push(parseLine(words, `${options.source} line ${index + 1}`));
  }
  if (signers.length === 0) {
    throw new UsageError(
      `${options.source} names no key; expected at least one line "NAME ${KEY_TYPE} BASE64"`,
    );
  }
  return signers;
}

function parseLine(words: readonly string[], where: string): AllowedSigner {
  const [name, type, encoded] = words;
  if (name === undefined || type === undefined || encoded === undefined || type !== KEY_TYPE) {
    throw new UsageError(
      `${where} is not "NAME ${KEY_TYPE} BASE64"; ssh's options and other key types are not supported`,
    );
  }
  const bytes = Buffer.from(encoded, "base64");
  const prefix = bytes.subarray(0, ENCODED_PREFIX.length);
  if (
    bytes.length !== ENCODED_PREFIX.length + PUBLIC_KEY_BYTES || !prefix.equals(ENCODED_PREFIX) ||
    bytes.toString("base64") !== encoded
  ) {
    throw new UsageError(`${where} holds no whole ${KEY_TYPE} key; copy the line again`);
  }
  return { name, publicKey: new Uint8Array(bytes.subarray(ENCODED_PREFIX.length)) };
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}
