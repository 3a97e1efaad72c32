/**
 * Stream messages out of chunks as they arrive.
 * @module
 */
import type { Envelope } from "./envelope.ts";
import type { StreamMessage } from "./messages.ts";

/** Reads one stream. After an error it is of no more use. */
export class StreamReader {
  /** Takes the envelope of the node that reads. */
  constructor(_options: { envelope: Envelope }) {}
  /** Adds bytes as they came. Raises `WireError` on bad or over-bound input before allocating for it. */
  push(_chunk: Uint8Array): void {
    throw new Error("StreamReader is being written");
  }
  /** The next whole message, if there is one. */
  take(): StreamMessage | undefined {
    throw new Error("StreamReader is being written");
  }
}
