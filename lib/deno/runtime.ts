/**
 * Time and chance on Deno.
 * @module
 */
import type { Clock, Random, Timers } from "../runtime.ts";

/** The longest delay that `setTimeout` takes: 2^31 - 1 ms; a longer one fires at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;
/** The most bytes that one call of `crypto.getRandomValues` fills (Web Cryptography, section 10.1.1). */
const RANDOM_CHUNK_BYTES = 65_536;

/** The machine's clocks. */
export class DenoClock implements Clock {
  /** Monotonic milliseconds since the program's start. */
  nowMs(): number {
    return performance.now();
  }
  /** Milliseconds since the Unix epoch. */
  wallMs(): number {
    return Date.now();
  }
}

/** The engine's fast generator for choices, the operating system's for bytes. */
export class DenoRandom implements Random {
  /** Uniform in [0, 1); not for secrets. */
  next(): number {
    return Math.random();
  }
  /** `length` bytes from the operating system's generator. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let start = 0; start < length; start += RANDOM_CHUNK_BYTES) {
      crypto.getRandomValues(bytes.subarray(start, start + RANDOM_CHUNK_BYTES));
    }
    return bytes;
  }
}

/** One-shot timers on `setTimeout`, of any length. */
export class DenoTimers implements Timers {
  /** Calls back once after `delayMs`, unless the returned function was called before. */
  after(delayMs: number, callback: () => void): () => void {
    let handle: ReturnType<typeof setTimeout>;
    const wait = (remainingMs: number) => {
      const stepMs = Math.min(remainingMs, LONGEST_DELAY_MS);
      handle = setTimeout(
        () => remainingMs > stepMs ? wait(remainingMs - stepMs) : callback(),
        stepMs,
      );
    };
    wait(Math.max(0, delayMs));
    return () => clearTimeout(handle);
  }
}
