/**
 * Serves TCP connections of other nodes: one message per connection, and at most one reply.
 * @module
 */
import { formatAddress } from "../address.ts";
import { type AcceptResult, ConnectionLimit, EvictionPause } from "../connection_limit.ts";
import { StreamError, WireError } from "../errors.ts";
import {
  EVICTION_PAUSE_MS,
  STREAM_DEADLINE_MS,
  STREAMS_MAX,
  STREAMS_MAX_BYTES,
  STREAMS_MAX_PER_HOST,
} from "../limits.ts";
import type { ByteStream, StreamListener, Timers } from "../runtime.ts";
import type { StreamSender } from "../swim/types.ts";
import type { Envelope } from "../wire/envelope.ts";
import { StreamReader } from "../wire/stream_reader.ts";
import type { StreamMessage } from "../wire/messages.ts";
import type { Drops } from "./drops.ts";
import { readMessage } from "./stream_io.ts";

/** A connection that has sent less than this is not ended when unfinished messages take too much memory. */
const SMALL_BYTES = 64 * 1024;

/** Options of a `StreamServer`. */
export interface StreamServerOptions {
  /** Where other nodes connect. Closed by `close`. */
  readonly listener: StreamListener;
  /** Opens what other nodes send. */
  readonly envelope: Envelope;
  /** Ends connections at their deadline. */
  readonly timers: Timers;
  /** Counts input that is dropped. */
  readonly drops: Pick<Drops, "add">;
  /** Handles a message; returns the sealed reply to write, if any. */
  readonly onMessage: (from: StreamSender, message: StreamMessage) => Uint8Array | undefined;
}

/**
 * Limits the number of connections, the number per host, the bytes of unfinished messages, and the
 * time of each connection. Over a limit it evicts the oldest connection without a whole message, so
 * that silent connections do not lock other nodes out. Bad bytes close only their own connection.
 */
export class StreamServer {
  readonly #options: StreamServerOptions;
  readonly #limit = new ConnectionLimit({ max: STREAMS_MAX, maxPerHost: STREAMS_MAX_PER_HOST });
  readonly #unfinished = new Map<ByteStream, number>();
  readonly #pause: EvictionPause;
  #unfinishedBytes = 0;

  /** Accepts nothing until `run`. */
  constructor(options: StreamServerOptions) {
    this.#options = options;
    this.#pause = new EvictionPause(options);
  }

  /** Serves until `close`. */
  async run(): Promise<void> {
    for (let stream; (stream = await this.#options.listener.accept()) !== undefined;) {
      const result = this.#accept(stream);
      if (result.type === "accepted") void this.#serve(stream);
      else stream.close();
      if (result.type === "refused" || result.evicted !== undefined) {
        await this.#pause.wait(EVICTION_PAUSE_MS);
      }
    }
  }

  /** Stops accepting and ends what is open. */
  close(): void {
    this.#pause.close();
    this.#options.listener.close();
    for (const stream of this.#limit.connections()) stream.close();
  }

  #accept(stream: ByteStream): AcceptResult {
    const result = this.#limit.accept(stream);
    if (result.type === "refused") {
      this.#drop(stream, tooMany("the limit of connections is reached"));
    } else if (result.evicted !== undefined) {
      this.#end(result.evicted, "evicted: the limit of connections is reached");
    }
    return result;
  }

  #drop(stream: ByteStream, { reason, message: detail }: Why): void {
    this.#options.drops.add({ reason, from: formatAddress(stream.remote), detail });
  }

  #end(stream: ByteStream, why: string): void {
    this.#drop(stream, tooMany(why));
    this.#release(stream);
  }

  #release(stream: ByteStream): void {
    stream.close();
    this.#limit.remove(stream);
    this.#finish(stream);
  }

  /** Its bytes are no longer those of an unfinished message. */
  #finish(stream: ByteStream): void {
    this.#unfinishedBytes -= this.#unfinished.get(stream) ?? 0;
    this.#unfinished.delete(stream);
  }

  /** Counts bytes of an unfinished message. */
  #keep(stream: ByteStream, bytes: number): void {
    // The connection may have been evicted while the read was pending.
    if (!this.#limit.has(stream)) return;
    this.#limit.markActive(stream);
    this.#unfinished.set(stream, (this.#unfinished.get(stream) ?? 0) + bytes);
    this.#unfinishedBytes += bytes;
    for (const other of this.#limit.active()) {
      if (this.#unfinishedBytes <= STREAMS_MAX_BYTES) return;
      // Ending a small one frees hardly any memory.
      if ((this.#unfinished.get(other) ?? 0) < SMALL_BYTES) continue;
      this.#end(other, `unfinished messages take over ${STREAMS_MAX_BYTES} bytes`);
    }
  }

  async #serve(stream: ByteStream): Promise<void> {
    const { timers, onMessage } = this.#options;
    let late = false;
    const cancel = timers.after(STREAM_DEADLINE_MS, () => {
      late = true;
      stream.close();
    });
    try {
      const reader = new StreamReader({ envelope: this.#options.envelope });
      // A connection that ends without a byte is a port check, not an error.
      const message = await readMessage(stream, {
        reader,
        onRead: (count) => this.#keep(stream, count),
      });
      if (message === undefined && this.#unfinished.has(stream)) throw cut();
      this.#limit.authenticate(stream);
      this.#finish(stream);
      const reply = message &&
        onMessage({ ...stream.remote, compresses: reader.compressed }, message);
      if (reply !== undefined) await stream.write(reply);
    } catch (error) {
      const why = late ? overdue() : this.#reason(stream, error);
      if (why !== undefined) this.#drop(stream, why);
    } finally {
      cancel();
      this.#release(stream);
    }
  }

  /** Why an error counts as a drop; `undefined` if the other end only closed the connection. */
  #reason(stream: ByteStream, error: unknown): Why | undefined {
    if (error instanceof WireError) return error;
    if (!(error instanceof StreamError)) throw error;
    return this.#unfinished.has(stream) ? cut() : undefined;
  }
}

/** Why a connection was dropped. */
type Why = Pick<WireError, "reason" | "message">;

function tooMany(message: string): Why {
  return { reason: "too_many", message };
}

function overdue(): Why {
  return {
    reason: "timed_out",
    message: `no whole message and reply within ${STREAM_DEADLINE_MS} ms`,
  };
}

function cut(): WireError {
  return new WireError("truncated", "the connection ended within a message");
}
