/**
 * A process's output: its start kept, the rest counted.
 * @module
 */
import { concat } from "@std/bytes";

/** Reads a stream to its end at once, so that the writer never waits. */
export class BoundedOutput {
  /** Resolves when the stream has ended or was closed. Never rejects. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #limitBytes: number;
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  #keptBytes = 0;
  #droppedBytes = 0;

  /** Keeps the first `limitBytes`. */
  constructor(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    options: { limitBytes: number },
  ) {
    this.#limitBytes = options.limitBytes;
    this.#reader = stream.getReader();
    this.ended = this.#read();
  }

  /** How many bytes came after those that were kept. */
  get droppedBytes(): number {
    return this.#droppedBytes;
  }

  /** What was kept so far. */
  bytes(): Uint8Array<ArrayBuffer> {
    return concat(this.#chunks);
  }

  /** Stops reading and closes this end of the pipe. */
  async close(): Promise<void> {
    // A pipe that broke has nothing left to close.
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
      // The pipe broke: what came is what there is.
    }
  }
}
