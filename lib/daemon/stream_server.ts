/**
 * What other nodes say over TCP: one message a connection, and at most one reply.
 * @module
 */
import { formatAddress } from "../address.ts";
import { StreamError, WireError } from "../errors.ts";
import { STREAM_DEADLINE_MS, STREAMS_MAX, STREAMS_MAX_PER_HOST } from "../limits.ts";
import type { ByteStream, StreamListener, Timers } from "../runtime.ts";
import type { StreamSender } from "../swim/types.ts";
import type { Envelope } from "../wire/envelope.ts";
import { StreamReader } from "../wire/frames.ts";
import type { StreamMessage } from "../wire/messages.ts";
import type { Drops } from "./drops.ts";
import { readMessage } from "./stream_io.ts";

/** What a `StreamServer` is made of. */
export interface StreamServerOptions {
  /** Where other nodes connect. Closed by `close`. */
  readonly listener: StreamListener;
  /** Opens what they send. */
  readonly envelope: Envelope;
  /** Ends connections that take too long. */
  readonly timers: Timers;
  /** Where refused input is counted. */
  readonly drops: Drops;
  /** Takes a message; returns the sealed reply to write, if any. */
  readonly onMessage: (from: StreamSender, message: StreamMessage) => Uint8Array | undefined;
}

/**
 * Accepts connections, so many at once and so many from one host, each with a deadline for its
 * message and its reply together. Bad bytes close their connection and nothing else.
 */
export class StreamServer {
  readonly #options: StreamServerOptions;
  readonly #open = new Set<ByteStream>();
  readonly #openByHost = new Map<string, number>();

  /** Accepts nothing until `run`. */
  constructor(options: StreamServerOptions) {
    this.#options = options;
  }

  /** Serves until `close`. */
  async run(): Promise<void> {
    for (let stream; (stream = await this.#options.listener.accept()) !== undefined;) {
      if (this.#admit(stream)) void this.#serve(stream);
      else stream.close();
    }
  }

  /** Stops accepting and ends what is open. */
  close(): void {
    this.#options.listener.close();
    for (const stream of this.#open) stream.close();
  }

  #admit(stream: ByteStream): boolean {
    const { host } = stream.remote;
    const ofHost = this.#openByHost.get(host) ?? 0;
    if (this.#open.size >= STREAMS_MAX || ofHost >= STREAMS_MAX_PER_HOST) {
      const detail = ofHost >= STREAMS_MAX_PER_HOST
        ? `it has ${ofHost} connections open, the most that one host may have`
        : `${this.#open.size} connections are open, the most that there may be`;
      this.#options.drops.add({ reason: "too_many", from: host, detail });
      return false;
    }
    this.#open.add(stream);
    this.#openByHost.set(host, ofHost + 1);
    return true;
  }

  #release(stream: ByteStream): void {
    stream.close();
    this.#open.delete(stream);
    const { host } = stream.remote;
    const ofHost = (this.#openByHost.get(host) ?? 1) - 1;
    if (ofHost > 0) this.#openByHost.set(host, ofHost);
    else this.#openByHost.delete(host);
  }

  async #serve(stream: ByteStream): Promise<void> {
    const { timers, drops, onMessage } = this.#options;
    const from = formatAddress(stream.remote);
    let late = false;
    const cancel = timers.after(STREAM_DEADLINE_MS, () => {
      late = true;
      stream.close();
    });
    try {
      const reader = new StreamReader({ envelope: this.#options.envelope });
      // A connection that ends without a word is a port check, not an error.
      const message = await readMessage(stream, reader);
      const reply = message &&
        onMessage({ ...stream.remote, compresses: reader.compressed }, message);
      if (reply !== undefined) await stream.write(reply);
    } catch (error) {
      if (late) {
        const detail = `no whole message and reply within ${STREAM_DEADLINE_MS} ms`;
        drops.add({ reason: "timed_out", from, detail });
      } else if (error instanceof WireError) {
        drops.add({ reason: error.reason, from, detail: error.message });
      } else if (!(error instanceof StreamError)) {
        throw error;
      }
    } finally {
      cancel();
      this.#release(stream);
    }
  }
}
