/**
 * Reads the output of a process, keeps its first bytes and counts the rest.
 * @module
 */
import { concat } from "@std/bytes";

/**
 * Reads a stream continuously to its end, so that the writer never blocks. Keeps its first bytes.
 */
export class BoundedOutput {
  /** Resolves when the stream has ended or failed, or `close` was called. Never rejects. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #limitBytes: number;
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  #keptBytes = 0;
  #droppedBytes = 0;

  /** Starts reading; keeps the first `limitBytes`. */
  constructor(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    options: { limitBytes: number },
  ) {
    this.#limitBytes = options.limitBytes;
    this.#reader = stream.getReader();
    this.ended = this.#read();
  }

  /** Number of bytes that were read and not kept. */
  get droppedBytes(): number {
    return this.#droppedBytes;
  }

  /** The bytes that were kept so far. */
  bytes(): Uint8Array<ArrayBuffer> {
    return concat(this.#chunks);
  }

  /** Stops reading and closes this end of the pipe. */
  async close(): Promise<void> {
    // A broken pipe is closed already.
    await this.#reader.cancel().catch(() => {});
  }

  async #read(): Promise<void> {
    try {
      while (true) {
        const { done, value } = await this.#reader.read();
        if (done) return;
        const room = Math.min(value.length, this.#limitBytes - this.#keptBytes);
        if (room > 0) this.#chunks.push(value.slice(0, room));
        this.#keptBytes += room;
        this.#droppedBytes += value.length - room;
      }
    } catch {
      // The pipe broke: the output ends here.
    }
  }
}
