/**
 * What is wrapped around messages on their way: compound, compression, CRC, encryption, label.
 * @module
 */
import type { Random } from "../runtime.ts";
import type { Keyring } from "./keyring.ts";
import type { PacketMessage, StreamMessage } from "./messages.ts";

/** What one node's envelope is made of. */
export interface EnvelopeOptions {
  /** Cluster label; empty for none, at most 255 bytes. */
  readonly label: string;
  /** Keys; absent where the cluster does not encrypt. */
  readonly keyring: Keyring | undefined;
  /** Where nonces come from. */
  readonly random: Random;
  /** Whether packets and streams are compressed where that makes them smaller. */
  readonly compress: boolean;
  /** memberlist protocol version that is spoken, 1 to 5; version 1 pads what it encrypts. Default 2. */
  readonly protocolVersion?: number;
  /** With keys: let plaintext in (memberlist's `GossipVerifyIncoming` false). Default false. */
  readonly acceptPlaintext?: boolean;
  /** With keys: send plaintext (memberlist's `GossipVerifyOutgoing` false). Default false. */
  readonly sendPlaintext?: boolean;
}

/** How one packet or stream is sealed. */
export interface SealPacketOptions {
  /** Adds a CRC; only for a receiver of protocol version 5. Default false. */
  readonly crc?: boolean;
  /** Default: the envelope's own. */
  readonly compress?: boolean;
}

/** Wraps and unwraps; keeps no state between calls. */
export class Envelope {
  /** What it was made with. */
  readonly options: EnvelopeOptions;
  /** Bytes that each part of a compound costs beside its own. */
  readonly partOverheadBytes = 2;
  /** Raises `UsageError` on a label that is too long. */
  constructor(options: EnvelopeOptions) {
    this.options = options;
  }
  /** Bytes that parts and their overhead may take so that the sealed packet fits `PACKET_MAX_BYTES`. */
  packetRoomBytes(): number {
    throw new Error("Envelope is being written");
  }
  /** One packet around 1 to 255 encoded messages. */
  sealPacket(
    _parts: readonly Uint8Array[],
    _options: SealPacketOptions = {},
  ): Uint8Array<ArrayBuffer> {
    throw new Error("Envelope is being written");
  }
  /** All messages of one packet, in order; raises `WireError` if any part of it is bad. */
  openPacket(_packet: Uint8Array): PacketMessage[] {
    throw new Error("Envelope is being written");
  }
  /** Everything to write to a stream for one message. */
  sealStream(
    _message: StreamMessage,
    _options: { compress?: boolean } = {},
  ): Uint8Array<ArrayBuffer> {
    throw new Error("Envelope is being written");
  }
}
