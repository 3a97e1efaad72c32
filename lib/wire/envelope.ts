/**
 * The layers around messages on the network, in memberlist's order from the inside out: compound
 * message, compression, CRC, encryption, label (`net.go`, `rawSendMsgPacket`, `rawSendMsgStream`;
 * `label.go`).
 * @module
 */
import { concat } from "@std/bytes";
import { crc32 } from "node:zlib";
import { UsageError, WireError } from "../errors.ts";
import { DATAGRAM_MAX_BYTES, LABEL_MAX_BYTES, PACKET_MAX_BYTES } from "../limits.ts";
import type { Random } from "../runtime.ts";
import { getUint32, setUint32 } from "./uint32.ts";
import { encodeCompressed, encodeMessage, encodeStreamUser } from "./codec.ts";
import {
  checkParts,
  COMPOUND_HEADER_BYTES,
  packParts,
  PART_OVERHEAD_BYTES,
  unpackMessage,
} from "./compound.ts";
import {
  type EncryptionVersion,
  type Keyring,
  NONCE_BYTES,
  sealedBytes,
  sealOverheadBytes,
} from "./keyring.ts";
import { compressLzw } from "./lzw.ts";
import { MESSAGE_TYPE, type PacketMessage, type StreamMessage } from "./messages.ts";

/** Type byte and CRC-32. */
const CRC_BYTES = 5;
/** Bytes of the header of an encrypted stream message: type byte and length. */
export const STREAM_SEAL_HEAD_BYTES = 5;

/** Options of an `Envelope`. */
export interface EnvelopeOptions {
  /** Cluster label, at most 255 bytes of UTF-8; empty for none. */
  readonly label: string;
  /** Encryption keys; `undefined` disables encryption. */
  readonly keyring: Keyring | undefined;
  /** Source of nonces. */
  readonly random: Random;
  /** Default of the `compress` option of each call. Output that would grow is not compressed. */
  readonly compress: boolean;
  /** memberlist protocol version of this node, 1 to 5; version 1 pads what it encrypts. Default 2. */
  readonly protocolVersion?: number;
  /** With keys: accept plaintext as well (memberlist's `GossipVerifyIncoming` false). Default false. */
  readonly acceptPlaintext?: boolean;
  /** With keys: send plaintext (memberlist's `GossipVerifyOutgoing` false). Default false. */
  readonly sendPlaintext?: boolean;
}

/** Options of one packet. */
export interface SealPacketOptions {
  /** Adds a CRC-32, which only receivers with protocol version 5 understand. Default false. */
  readonly crc?: boolean;
  /** Default: that of the envelope. */
  readonly compress?: boolean;
}

/** Options of one stream message. */
export interface SealStreamOptions {
  /** Default: that of the envelope. */
  readonly compress?: boolean;
  /** Whether it is the reply on a connection that the other node opened, which has no label. Default false. */
  readonly reply?: boolean;
}

/**
 * Adds and removes the layers around messages: compound message, compression, CRC, encryption and
 * label. Keeps no state between calls.
 */
export class Envelope {
  /** The options that it was created with. */
  readonly options: EnvelopeOptions;
  /** Bytes that a compound message adds for each part. */
  readonly partOverheadBytes: number = PART_OVERHEAD_BYTES;
  readonly #label: Uint8Array;
  readonly #labelHeader: Uint8Array;
  readonly #version: EncryptionVersion;

  /** Raises `UsageError` if the label is longer than 255 bytes. */
  constructor(options: EnvelopeOptions) {
    this.options = options;
    this.#label = new TextEncoder().encode(options.label);
    const { length } = this.#label;
    if (length > LABEL_MAX_BYTES) {
      throw new UsageError(`label is ${length} bytes long; maximum ${LABEL_MAX_BYTES}`);
    }
    this.#labelHeader = length === 0
      ? this.#label
      : new Uint8Array([MESSAGE_TYPE.hasLabel, length, ...this.#label]);
    this.#version = options.protocolVersion === 1 ? 0 : 1;
  }

  /**
   * Bytes available for the parts of a packet, each counted with `partOverheadBytes`: with all
   * layers added, the packet is then at most `PACKET_MAX_BYTES` long.
   */
  packetRoomBytes(): number {
    const sealing = this.#sealingKeyring() === undefined ? 0 : sealOverheadBytes(this.#version);
    return PACKET_MAX_BYTES - this.#labelHeader.length - sealing - CRC_BYTES -
      COMPOUND_HEADER_BYTES;
  }

  /**
   * Packs 1 to 255 encoded messages of at most 65,535 bytes each into one packet and adds all
   * layers. Raises `RangeError` on other numbers and lengths, which a compound message cannot hold.
   */
  sealPacket(
    parts: readonly Uint8Array[],
    options: SealPacketOptions = {},
  ): Uint8Array<ArrayBuffer> {
    checkParts(parts);
    const keyring = this.#sealingKeyring();
    const head = keyring === undefined ? this.#labelHeader.length : 0;
    const crcBytes = options.crc ? CRC_BYTES : 0;
    let plaintext = packParts(parts, head + crcBytes);
    if (options.compress ?? this.options.compress) {
      plaintext = compressAfter(plaintext, head + crcBytes);
    }
    if (options.crc) {
      plaintext[head] = MESSAGE_TYPE.hasCrc;
      setUint32(plaintext, { at: head + 1, value: crc32(plaintext.subarray(head + CRC_BYTES)) });
    }
    if (keyring === undefined) {
      plaintext.set(this.#labelHeader);
      return plaintext;
    }
    const sealed = this.#seal(plaintext, {
      keyring,
      associatedData: this.#label,
      headBytes: this.#labelHeader.length,
    });
    sealed.set(this.#labelHeader);
    return sealed;
  }

  /**
   * Removes all layers of a packet and decodes its messages, in order, compound messages unpacked.
   * Their bytes may be views into the packet. Raises `WireError` if any part is invalid: a packet is
   * accepted as a whole or not at all.
   */
  openPacket(packet: Uint8Array): PacketMessage[] {
    let bytes = this.#decrypt(packet.subarray(this.matchLabel(packet)));
    if (bytes[0] === MESSAGE_TYPE.hasCrc && bytes.length >= CRC_BYTES) {
      const inner = bytes.subarray(CRC_BYTES);
      if (crc32(inner) !== getUint32(bytes, 1)) {
        throw new WireError("bad_checksum", "packet checksum (CRC-32) does not match its content");
      }
      bytes = inner;
    }
    const messages: PacketMessage[] = [];
    unpackMessage(bytes, { messages, budget: { bytes: DATAGRAM_MAX_BYTES }, depth: 0 });
    return messages;
  }

  /** Encodes one message for a stream and adds all layers. */
  sealStream(
    message: StreamMessage,
    options: SealStreamOptions = {},
  ): Uint8Array<ArrayBuffer> {
    const header = options.reply ? NO_BYTES : this.#labelHeader;
    let plaintext = message.type === "user" ? encodeStreamUser(message) : encodeMessage(message);
    if (options.compress ?? this.options.compress) plaintext = compressAfter(plaintext, 0);
    const keyring = this.#sealingKeyring();
    if (keyring === undefined) return header.length === 0 ? plaintext : concat([header, plaintext]);
    const length = sealedBytes(plaintext.length, this.#version);
    const head = new Uint8Array(STREAM_SEAL_HEAD_BYTES);
    head[0] = MESSAGE_TYPE.encrypt;
    setUint32(head, { at: 1, value: length });
    const sealed = this.#seal(plaintext, {
      keyring,
      associatedData: concat([head, this.#label]),
      headBytes: header.length + head.length,
    });
    sealed.set(header);
    sealed.set(head, header.length);
    return sealed;
  }

  /**
   * Checks that `bytes` begin with the label of this cluster, and returns the length of that header
   * in bytes. Raises `WireError` (`bad_label`, `truncated`).
   */
  matchLabel(bytes: Uint8Array): number;
  /** With `more`, further bytes may follow: returns `undefined` until the whole label has arrived. */
  matchLabel(bytes: Uint8Array, options: { more: boolean }): number | undefined;
  matchLabel(bytes: Uint8Array, options: { more: boolean } = { more: false }): number | undefined {
    const expected = this.#labelHeader;
    if (bytes.length > 0 && bytes[0] !== MESSAGE_TYPE.hasLabel) {
      if (expected.length === 0) return 0;
      throw new WireError("bad_label", `missing label: expected "${this.options.label}"`);
    }
    if (bytes.length === 0 && !options.more) return 0;
    const shared = Math.min(expected.length, bytes.length);
    for (let index = 0; index < shared; index++) {
      if (bytes[index] !== expected[index]) {
        throw new WireError(
          "bad_label",
          `label of another cluster: expected "${this.options.label}"`,
        );
      }
    }
    if (bytes.length > 0 && expected.length === 0) {
      throw new WireError("bad_label", "unexpected label: this node has none");
    }
    if (bytes.length >= expected.length && bytes.length > 0) return expected.length;
    if (options.more) return undefined;
    throw new WireError("truncated", "truncated label");
  }

  /** Decrypts a stream message, its header included, and returns the plaintext. Raises `WireError`. */
  openStream(message: Uint8Array): Uint8Array {
    const { keyring } = this.options;
    if (keyring === undefined) {
      throw new WireError(
        "not_decryptable",
        "stream message is encrypted and this node has no keys",
      );
    }
    const head = message.subarray(0, STREAM_SEAL_HEAD_BYTES);
    return keyring.open(message.subarray(STREAM_SEAL_HEAD_BYTES), {
      associatedData: concat([head, this.#label]),
    });
  }

  /** Whether unencrypted input is accepted. */
  acceptsPlaintext(): boolean {
    return this.options.keyring === undefined || this.options.acceptPlaintext === true;
  }

  #sealingKeyring(): Keyring | undefined {
    return this.options.sendPlaintext ? undefined : this.options.keyring;
  }

  #seal(
    plaintext: Uint8Array,
    options: { keyring: Keyring; associatedData: Uint8Array; headBytes: number },
  ): Uint8Array<ArrayBuffer> {
    return options.keyring.seal(plaintext, {
      version: this.#version,
      nonce: this.options.random.bytes(NONCE_BYTES),
      associatedData: options.associatedData,
      headBytes: options.headBytes,
    });
  }

  #decrypt(bytes: Uint8Array): Uint8Array {
    const { keyring } = this.options;
    if (keyring === undefined) return bytes;
    try {
      return keyring.open(bytes, { associatedData: this.#label });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      if (this.acceptsPlaintext()) return bytes;
      // Encryption versions are 0 and 1: a higher first byte is the type byte of a plain message.
      if (error.reason !== "bad_version") throw error;
      throw new WireError("not_encrypted", "packet is not encrypted: this node has a key");
    }
  }
}

const NO_BYTES = new Uint8Array(0);

/** Compresses the bytes after the first `head`, if that makes them smaller. */
function compressAfter(bytes: Uint8Array<ArrayBuffer>, head: number): Uint8Array<ArrayBuffer> {
  const compressed = encodeCompressed(compressLzw(bytes.subarray(head)));
  if (head + compressed.length >= bytes.length) return bytes;
  return head === 0 ? compressed : concat([new Uint8Array(head), compressed]);
}
