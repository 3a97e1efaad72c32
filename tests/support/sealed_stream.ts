/**
 * Encodes arbitrary bytes for a stream, as a node with the cluster key could send them.
 * @module
 */
import { concat } from "@std/bytes";
import { encodeCompressed } from "../../lib/wire/codec.ts";
import type { Envelope } from "../../lib/wire/envelope.ts";
import { NONCE_BYTES, sealedBytes } from "../../lib/wire/keyring.ts";
import { compressLzw } from "../../lib/wire/lzw.ts";
import { MESSAGE_TYPE } from "../../lib/wire/messages.ts";

/** Encodes `bytes` in place of a message, with the label, key and compression of `envelope`. */
export function sealStreamBytes(bytes: Uint8Array, envelope: Envelope): Uint8Array {
  const { label, compress, keyring, random, protocolVersion } = envelope.options;
  const plaintext = compress ? encodeCompressed(compressLzw(bytes)) : bytes;
  const name = new TextEncoder().encode(label);
  const header = label === "" ? name : Uint8Array.of(MESSAGE_TYPE.hasLabel, name.length, ...name);
  if (keyring === undefined) return concat([header, plaintext]);
  const version = protocolVersion === 1 ? 0 : 1;
  const head = new Uint8Array(5);
  head[0] = MESSAGE_TYPE.encrypt;
  new DataView(head.buffer).setUint32(1, sealedBytes(plaintext.length, version));
  const associatedData = concat([head, name]);
  const nonce = random.bytes(NONCE_BYTES);
  return concat([header, head, keyring.seal(plaintext, { version, nonce, associatedData })]);
}
