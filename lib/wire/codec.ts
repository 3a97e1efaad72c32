/**
 * Messages to bytes and back, in memberlist's dialect of MessagePack.
 * @module
 */
import type { PacketMessage, WireMessage } from "./messages.ts";

/** Type byte and body of one message. */
export function encodeMessage(_message: WireMessage): Uint8Array<ArrayBuffer> {
  throw new Error("encodeMessage is being written");
}

/** One message of a packet, type byte included. Raises `WireError`. */
export function decodePacketMessage(_bytes: Uint8Array): PacketMessage {
  throw new Error("decodePacketMessage is being written");
}
