/**
 * Frames of a connection after its handshake. If both ends have proven the token, each frame begins
 * with an HMAC-SHA256 of its sender, its sequence number and its content, so that a relay cannot
 * change, drop, repeat or reorder frames unnoticed.
 * @module
 */
import { createHmac } from "node:crypto";
import type { ByteStream } from "../runtime.ts";
import { WireError } from "../errors.ts";
import { encodeFrame, readFrame } from "./frames.ts";
import { areEqual, type ClientEnd, type SessionSecrets } from "./proof.ts";

/** Length of the authentication code at the start of a frame. */
const CODE_BYTES = 32;

/** What a `Channel` is made of. */
export interface ChannelOptions {
  /** Which end this is. */
  readonly self: ClientEnd;
  /** What both ends have proven; absent if there is no token, and frames carry no code. */
  readonly secrets?: SessionSecrets;
}

/** Sends and receives frames on a stream that it does not own. */
export class Channel {
  readonly #stream: ByteStream;
  readonly #seal: Seal | undefined;
  readonly #open: Seal | undefined;

  /** Takes over a stream after its handshake. */
  constructor(stream: ByteStream, { self, secrets }: ChannelOptions) {
    this.#stream = stream;
    if (secrets === undefined) return;
    this.#seal = new Seal(secrets, self);
    this.#open = new Seal(secrets, self === "gcheck" ? "daemon" : "gcheck");
  }

  /** Sends one frame. Raises `StreamError`. */
  async send(payload: Uint8Array): Promise<void> {
    const code = this.#seal?.code(payload);
    if (code === undefined) return await this.#stream.write(encodeFrame(payload));
    const sealed = new Uint8Array(CODE_BYTES + payload.length);
    sealed.set(code);
    sealed.set(payload, CODE_BYTES);
    await this.#stream.write(encodeFrame(sealed));
  }

  /**
   * The next frame's payload of at most `maxBytes`; undefined at the end of the stream. Raises
   * `WireError` if the frame is not what the other end sent, and what `readFrame` raises.
   */
  async receive({ maxBytes }: { maxBytes: number }): Promise<Uint8Array | undefined> {
    const open = this.#open;
    const added = open === undefined ? 0 : CODE_BYTES;
    const frame = await readFrame(this.#stream, { maxBytes: maxBytes + added });
    if (frame === undefined || open === undefined) return frame;
    const payload = frame.subarray(CODE_BYTES);
    if (!areEqual(frame.subarray(0, CODE_BYTES), open.code(payload))) {
      throw new WireError("bad_checksum", "a message was changed on its way");
    }
    return payload;
  }
}

/** Computes the authentication codes of one end's frames, in their order. */
class Seal {
  readonly #key: Uint8Array;
  readonly #sender: ClientEnd;
  #count = 0;

  constructor({ token, clientNonce, daemonNonce }: SessionSecrets, sender: ClientEnd) {
    const hmac = createHmac("sha256", token).update("gossipcheck client frames 2\0");
    this.#key = hmac.update(clientNonce).update(daemonNonce).digest();
    this.#sender = sender;
  }

  code(payload: Uint8Array): Uint8Array {
    const head = `${this.#sender} ${this.#count++}\0`;
    return createHmac("sha256", this.#key).update(head).update(payload).digest();
  }
}
