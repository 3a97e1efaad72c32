/**
 * What is wrapped around messages on their way, in memberlist's order (`net.go`,
 * `rawSendMsgPacket`, `rawSendMsgStream`; `label.go`): compound, compression, CRC, encryption,
 * label, from the inside out.
 * @module
 */
import { concat } from "@std/bytes";
import { crc32 } from "node:zlib";
import { UsageError, WireError } from "../errors.ts";
import { DATAGRAM_MAX_BYTES, LABEL_MAX_BYTES, PACKET_MAX_BYTES } from "../limits.ts";
import type { Random } from "../runtime.ts";
import { getUint32, setUint32 } from "./bytes.ts";
import { encodeCompressed, encodeMessage, encodeStreamUser } from "./codec.ts";
import {
  checkParts,
  COMPOUND_HEADER_BYTES,
  joinParts,
  PART_OVERHEAD_BYTES,
  takeApart,
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

const CRC_BYTES = 5;
/** Type byte and length in front of an encrypted stream. */
export const STREAM_SEAL_HEAD_BYTES = 5;

/** What one node's envelope is made of. */
export interface EnvelopeOptions {
  /** Cluster label; empty for none, at most 255 bytes of UTF-8. */
  readonly label: string;
  /** Keys; absent where the cluster does not encrypt. */
  readonly keyring: Keyring | undefined;
  /** Where nonces come from. */
  readonly random: Random;
  /** Whether packets and streams are compressed where that makes them smaller and nobody says which. */
  readonly compress: boolean;
  /** memberlist protocol version that is spoken, 1 to 5; version 1 pads what it encrypts. Default 2. */
  readonly protocolVersion?: number;
  /** With keys: let plaintext in (memberlist's `GossipVerifyIncoming` false). Default false. */
  readonly acceptPlaintext?: boolean;
  /** With keys: send plaintext (memberlist's `GossipVerifyOutgoing` false). Default false. */
  readonly sendPlaintext?: boolean;
}

/** How one packet is sealed. */
export interface SealPacketOptions {
  /** Adds a CRC; only for a receiver whose highest protocol version is 5. Default false. */
  readonly crc?: boolean;
  /** Default: the envelope's own. */
  readonly compress?: boolean;
}

/** How one stream message is sealed. */
export interface SealStreamOptions {
  /** Default: the envelope's own. */
  readonly compress?: boolean;
  /** The answer on a connection that the other end opened, which carries no label. Default false. */
  readonly reply?: boolean;
}

/** Wraps and unwraps; keeps no state between calls. */
export class Envelope {
  /** What it was made with. */
  readonly options: EnvelopeOptions;
  /** Bytes that each part of a compound costs beside its own. */
  readonly partOverheadBytes: number = PART_OVERHEAD_BYTES;
  readonly #label: Uint8Array;
  readonly #labelHeader: Uint8Array;
  readonly #version: EncryptionVersion;

  /** Raises `UsageError` on a label that is too long. */
  constructor(options: EnvelopeOptions) {
    this.options = options;
    this.#label = new TextEncoder().encode(options.label);
    const { length } = this.#label;
    if (length > LABEL_MAX_BYTES) {
      throw new UsageError(`the label is ${length} bytes long: at most ${LABEL_MAX_BYTES} go`);
    }
    this.#labelHeader = length === 0
      ? this.#label
      : new Uint8Array([MESSAGE_TYPE.hasLabel, length, ...this.#label]);
    this.#version = options.protocolVersion === 1 ? 0 : 1;
  }

  /**
   * How many bytes parts may take, each counted with `partOverheadBytes`, so that the sealed packet
   * is at most `PACKET_MAX_BYTES` long whatever is wrapped around them.
   */
  packetRoomBytes(): number {
    const sealing = this.#sealingKeyring() === undefined ? 0 : sealOverheadBytes(this.#version);
    return PACKET_MAX_BYTES - this.#labelHeader.length - sealing - CRC_BYTES -
      COMPOUND_HEADER_BYTES;
  }

  /**
   * One packet around 1 to 255 encoded messages of at most 65,535 bytes each. Raises `RangeError`
   * on more or none, which no peer could take apart again.
   */
  sealPacket(
    parts: readonly Uint8Array[],
    options: SealPacketOptions = {},
  ): Uint8Array<ArrayBuffer> {
    checkParts(parts);
    const keyring = this.#sealingKeyring();
    const head = keyring === undefined ? this.#labelHeader.length : 0;
    const crcBytes = options.crc ? CRC_BYTES : 0;
    let plaintext = joinParts(parts, head + crcBytes);
    if (options.compress ?? this.options.compress) {
      plaintext = compressBehind(plaintext, head + crcBytes);
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
   * All messages of one packet, in order, compounds taken apart. Their bytes are views into the
   * packet where nothing had to be unpacked. Raises `WireError` if any part of it is bad: a packet
   * is taken whole or not at all.
   */
  openPacket(packet: Uint8Array): PacketMessage[] {
    let bytes = this.#decrypted(packet.subarray(this.matchLabel(packet)));
    if (bytes[0] === MESSAGE_TYPE.hasCrc && bytes.length >= CRC_BYTES) {
      const inner = bytes.subarray(CRC_BYTES);
      if (crc32(inner) !== getUint32(bytes, 1)) {
        throw new WireError("bad_checksum", "a packet's checksum does not match its content");
      }
      bytes = inner;
    }
    const messages: PacketMessage[] = [];
    takeApart(bytes, { messages, budget: { bytes: DATAGRAM_MAX_BYTES }, depth: 0 });
    return messages;
  }

  /** Everything to write to a stream for one message. */
  sealStream(
    message: StreamMessage,
    options: SealStreamOptions = {},
  ): Uint8Array<ArrayBuffer> {
    const header = options.reply ? NO_BYTES : this.#labelHeader;
    let plaintext = message.type === "user" ? encodeStreamUser(message) : encodeMessage(message);
    if (options.compress ?? this.options.compress) plaintext = compressBehind(plaintext, 0);
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
   * How many bytes of label stand in front of `bytes`, after checking that it is ours. Raises
   * `WireError` (`bad_label`, `truncated`).
   */
  matchLabel(bytes: Uint8Array): number;
  /** The same where `more` may follow: `undefined` while it cannot be told yet. */
  matchLabel(bytes: Uint8Array, options: { more: boolean }): number | undefined;
  matchLabel(bytes: Uint8Array, options: { more: boolean } = { more: false }): number | undefined {
    const expected = this.#labelHeader;
    if (bytes.length > 0 && bytes[0] !== MESSAGE_TYPE.hasLabel) {
      if (expected.length === 0) return 0;
      throw new WireError("bad_label", `input without label: expected "${this.options.label}"`);
    }
    if (bytes.length === 0 && !options.more) return 0;
    const shared = Math.min(expected.length, bytes.length);
    for (let index = 0; index < shared; index++) {
      if (bytes[index] !== expected[index]) {
        throw new WireError("bad_label", "input with the label of another cluster");
      }
    }
    if (bytes.length > 0 && expected.length === 0) {
      throw new WireError("bad_label", "input with a label: expected none");
    }
    if (bytes.length >= expected.length && bytes.length > 0) return expected.length;
    if (options.more) return undefined;
    throw new WireError("truncated", "input ends within its label");
  }

  /** The plaintext of an encrypted stream message, `head` included. Raises `WireError`. */
  openStream(message: Uint8Array): Uint8Array {
    const { keyring } = this.options;
    if (keyring === undefined) {
      throw new WireError("not_decryptable", "a stream is encrypted and we have no keys");
    }
    const head = message.subarray(0, STREAM_SEAL_HEAD_BYTES);
    return keyring.open(message.subarray(STREAM_SEAL_HEAD_BYTES), {
      associatedData: concat([head, this.#label]),
    });
  }

  /** Whether input that is not encrypted may come in. */
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

  #decrypted(bytes: Uint8Array): Uint8Array {
    const { keyring } = this.options;
    if (keyring === undefined) return bytes;
    try {
      return keyring.open(bytes, { associatedData: this.#label });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      if (this.acceptsPlaintext()) return bytes;
      // Encryption versions are 0 and 1, so a higher first byte is a message as it is.
      if (error.reason !== "bad_version") throw error;
      throw new WireError(
        "not_encrypted",
        "a packet is not encrypted: we take only encrypted ones",
      );
    }
  }
}

const NO_BYTES = new Uint8Array(0);

/** Compresses what stands behind `head` bytes, where that makes it smaller. */
function compressBehind(bytes: Uint8Array<ArrayBuffer>, head: number): Uint8Array<ArrayBuffer> {
  const compressed = encodeCompressed(compressLzw(bytes.subarray(head)));
  if (head + compressed.length >= bytes.length) return bytes;
  return head === 0 ? compressed : concat([new Uint8Array(head), compressed]);
}
