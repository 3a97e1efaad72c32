/**
 * AES-GCM with keys of 24 bytes on Deno, whose `node:crypto` lacks it and whose WebCrypto has it, but
 * only for those who can wait: a worker waits there, and who asks is blocked until it has answered.
 * @module
 */
import type { Aes192, GcmInput } from "../runtime.ts";

/** Far beyond what a stalled machine needs: then the worker is gone. */
const ANSWER_TIMEOUT_MS = 30_000;
const KEY_BYTES = 24;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** A datagram and what stands before it. */
const FIRST_MEMORY_BYTES = 128 * 1024;
/** The longest encrypted stream, twice. */
const MEMORY_MAX_BYTES = 48 * 1024 * 1024;

/**
 * What both ends share. Control: state (0 nothing asked yet, 1 asked, 2 answered, 3 no more), 1 to seal or 0 to
 * open, length of the associated data, length of the text, length of the result. Memory: key,
 * nonce, associated data, then text and afterwards result.
 */
interface Shared {
  readonly control: Int32Array;
  readonly memory: Uint8Array;
  readonly buffer: SharedArrayBuffer;
}

/** Starts its worker when it is first asked. */
export class Aes192Worker implements Aes192 {
  #shared: Shared | undefined;

  /** Ciphertext and tag. */
  seal(plaintext: Uint8Array, input: GcmInput): Uint8Array<ArrayBuffer> {
    const sealed = this.#ask({ text: plaintext, isSealing: 1 }, input);
    if (sealed === undefined) throw new Error("a text cannot be sealed with AES-192");
    return sealed;
  }

  /** The plaintext; undefined where the tag does not match. */
  open(sealed: Uint8Array, input: GcmInput): Uint8Array<ArrayBuffer> | undefined {
    return sealed.length < TAG_BYTES ? undefined : this.#ask({ text: sealed, isSealing: 0 }, input);
  }

  /** Lets the worker end by itself: to terminate one that blocks may block for ever. */
  [Symbol.dispose](): void {
    if (this.#shared === undefined) return;
    Atomics.store(this.#shared.control, 0, 3);
    Atomics.notify(this.#shared.control, 0);
    this.#shared = undefined;
  }

  #ask(
    { text, isSealing }: { text: Uint8Array; isSealing: 0 | 1 },
    { key, nonce, associatedData }: GcmInput,
  ): Uint8Array<ArrayBuffer> | undefined {
    if (key.length !== KEY_BYTES || nonce.length !== NONCE_BYTES) {
      throw new RangeError(`AES-192 with ${key.length} and ${nonce.length} bytes: needs 24 and 12`);
    }
    const { control, memory, buffer } = this.#shared ??= this.#start();
    const parts = [key, nonce, associatedData, text];
    const needed = parts.reduce((sum, part) => sum + part.length, TAG_BYTES);
    if (needed > buffer.byteLength) buffer.grow(needed);
    let at = 0;
    for (const part of parts) {
      memory.set(part, at);
      at += part.length;
    }
    control.set([isSealing, associatedData.length, text.length], 1);
    Atomics.store(control, 0, 1);
    Atomics.notify(control, 0);
    if (Atomics.wait(control, 0, 1, ANSWER_TIMEOUT_MS) === "timed-out") {
      throw new Error(`the worker for AES-192 did not answer within ${ANSWER_TIMEOUT_MS} ms`);
    }
    const length = control[4] ?? -1;
    const start = at - text.length;
    return length < 0 ? undefined : new Uint8Array(memory.slice(start, start + length));
  }

  #start(): Shared {
    const control = new SharedArrayBuffer(5 * Int32Array.BYTES_PER_ELEMENT);
    const buffer = new SharedArrayBuffer(FIRST_MEMORY_BYTES, { maxByteLength: MEMORY_MAX_BYTES });
    const worker = new Worker(new URL("./aes192_worker.ts", import.meta.url), { type: "module" });
    worker.postMessage({ control, memory: buffer });
    return { control: new Int32Array(control), memory: new Uint8Array(buffer), buffer };
  }
}
