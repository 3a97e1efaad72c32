/**
 * What other nodes say over TCP: one message a connection, and at most one reply.
 * @module
 */
import { formatAddress } from "../address.ts";
import { Admission, type Admitted, Breather } from "../connection_limit.ts";
import { StreamError, WireError } from "../errors.ts";
import {
  CROWDED_PAUSE_MS,
  STREAM_DEADLINE_MS,
  STREAMS_MAX,
  STREAMS_MAX_BYTES,
  STREAMS_MAX_PER_HOST,
} from "../limits.ts";
import type { ByteStream, StreamListener, Timers } from "../runtime.ts";
import type { StreamSender } from "../swim/types.ts";
import type { Envelope } from "../wire/envelope.ts";
import { StreamReader } from "../wire/frames.ts";
import type { StreamMessage } from "../wire/messages.ts";
import type { Drops } from "./drops.ts";
import { readMessage } from "./stream_io.ts";

/** Unfinished messages of less than this are left alone where there is too much of them. */
const SMALL_BYTES = 64 * 1024;

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
 * Accepts connections, so many at once and so many from one host, with so many bytes of unfinished
 * messages among them, each with a deadline for its message and its reply together. Where there are
 * more, the oldest without a whole message makes room, so that connections that say nothing keep
 * nobody out. Bad bytes close their connection and nothing else.
 */
export class StreamServer {
  readonly #options: StreamServerOptions;
  readonly #admission = new Admission({ most: STREAMS_MAX, mostPerHost: STREAMS_MAX_PER_HOST });
  readonly #unfinished = new Map<ByteStream, number>();
  readonly #breather: Breather;
  #unfinishedBytes = 0;

  /** Accepts nothing until `run`. */
  constructor(options: StreamServerOptions) {
    this.#options = options;
    this.#breather = new Breather(options);
  }

  /** Serves until `close`. */
  async run(): Promise<void> {
    for (let stream; (stream = await this.#options.listener.accept()) !== undefined;) {
      const admitted = this.#admit(stream);
      if (admitted.type === "in") void this.#serve(stream);
      else stream.close();
      if (admitted.type === "out" || admitted.inPlaceOf !== undefined) {
        await this.#breather.wait(CROWDED_PAUSE_MS);
      }
    }
  }

  /** Stops accepting and ends what is open. */
  close(): void {
    this.#breather.close();
    this.#options.listener.close();
    for (const stream of this.#admission.inside()) stream.close();
  }

  #admit(stream: ByteStream): Admitted {
    const admitted = this.#admission.enter(stream);
    if (admitted.type === "out") this.#drop(stream, "there is no room for another connection");
    else if (admitted.inPlaceOf !== undefined) {
      this.#end(admitted.inPlaceOf, "it made room for another connection");
    }
    return admitted;
  }

  #drop(stream: ByteStream, detail: string): void {
    const from = formatAddress(stream.remote);
    this.#options.drops.add({ reason: "too_many", from, detail });
  }

  #end(stream: ByteStream, why: string): void {
    this.#drop(stream, why);
    this.#release(stream);
  }

  #release(stream: ByteStream): void {
    stream.close();
    this.#admission.leave(stream);
    this.#finish(stream);
  }

  /** What it has sent is a message now, or of no more use. */
  #finish(stream: ByteStream): void {
    this.#unfinishedBytes -= this.#unfinished.get(stream) ?? 0;
    this.#unfinished.delete(stream);
  }

  /** The stream, with what is read from it counted until there is a whole message. */
  #counted(stream: ByteStream): ByteStream {
    return {
      remote: stream.remote,
      read: async (buffer) => {
        const count = await stream.read(buffer);
        // One that was ended meanwhile reads no more.
        if (count !== undefined && this.#admission.has(stream)) this.#keep(stream, count);
        return count;
      },
      write: (bytes) => stream.write(bytes),
      close: () => stream.close(),
    };
  }

  #keep(stream: ByteStream, bytes: number): void {
    this.#admission.speak(stream);
    this.#unfinished.set(stream, (this.#unfinished.get(stream) ?? 0) + bytes);
    this.#unfinishedBytes += bytes;
    for (const other of this.#admission.speaking()) {
      if (this.#unfinishedBytes <= STREAMS_MAX_BYTES) return;
      // Small ones free nothing: they may as well finish.
      if ((this.#unfinished.get(other) ?? 0) < SMALL_BYTES) continue;
      this.#end(other, `unfinished messages take over ${STREAMS_MAX_BYTES} bytes`);
    }
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
      const message = await readMessage(this.#counted(stream), reader);
      if (message === undefined && this.#unfinished.has(stream)) throw cut();
      this.#admission.prove(stream);
      this.#finish(stream);
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
      } else if (this.#unfinished.has(stream)) {
        const { reason, message } = cut();
        drops.add({ reason, from, detail: message });
      }
    } finally {
      cancel();
      this.#release(stream);
    }
  }
}

function cut(): WireError {
  return new WireError("truncated", "the connection ended within a message");
}
